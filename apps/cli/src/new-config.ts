import { RunFolder } from '@bag/trainer/node';
import { mergeConfigs, resolveConfig } from './config/load.js';
import type { Config, PartialConfig } from './config/schema.js';
import { withPrecision } from './precision/choose.js';
import { readRun } from './run.js';
import { inheritedKeys } from './start.js';

/**
 * The whole configuration of a new run: weights to start from bring their keys, and the precision goes by a measurement.
 *
 * @param said What is said of it; later parts override earlier ones.
 * @param out A folder; the run that it may hold keeps its precision.
 */
export async function newConfig(said: readonly PartialConfig[], out?: string): Promise<Config> {
  const begun = out === undefined ? undefined : await readRun(new RunFolder(out)).catch(() => undefined);
  if (begun !== undefined) return resolveNew([{ precision: begun.config.precision }, ...said]);
  return withPrecision(await resolveNew(said), { named: namesPrecision(said) });
}

/** The same before its precision is chosen. */
export async function resolveNew(said: readonly PartialConfig[]): Promise<Config> {
  return resolveConfig(await inheritedKeys(...said), ...said);
}

export const namesPrecision = (said: readonly PartialConfig[]): boolean =>
  mergeConfigs(...said).precision !== undefined;
