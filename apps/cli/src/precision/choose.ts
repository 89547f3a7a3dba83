import type { Config } from '../config/schema.js';
import { useEngine } from '../engines/use.js';
import { withProgress } from '../progress.js';
import { keepChosen } from './known.js';
import { precisionTimes } from './measure.js';
import { fasterPrecision } from './times.js';

/**
 * A configuration with the precision that its run takes. One that is named is taken, and what it costs is measured; a run
 * of the bag that names none takes bf16 where that is clearly faster here, else fp32.
 */
export async function withPrecision(config: Config, { named }: { named: boolean }): Promise<Config> {
  const half = named ? config.precision : config.recipe === 'bag' ? 'bf16' : 'fp32';
  if (half === 'fp32') return config;
  await useEngine(config.backend);
  const times = await withProgress(async (progress) => {
    progress.start(1);
    progress.update(0, `timing fp32 and ${half}`);
    return precisionTimes(config, half);
  });
  if (named || times === undefined) return config;
  const result = { ...config, precision: fasterPrecision(times) };
  keepChosen(result);
  return result;
}
