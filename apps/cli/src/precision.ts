import type { Config, PartialConfig } from './config/schema.js';
import { findEngine } from './engines/find.js';

/**
 * The precision of a run that names none, as the first part of its configuration: bf16 in the bag, where the engine
 * computes convolutions in it; else the recipe's own, fp32.
 */
export async function preferredPrecision({ recipe, backend }: Config): Promise<PartialConfig> {
  if (recipe !== 'bag') return {};
  const { status } = await findEngine(backend);
  return status.halves?.bfloat16.computedBy == null ? {} : { precision: 'bf16' };
}
