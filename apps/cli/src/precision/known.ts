import { policy } from '@bag/mixed-precision';
import type { Config } from '../config/schema.js';
import { architectureOf, imageSizeOf } from '../network.js';
import { bothTimes, costOfAsked, type HalfPrecision, type PrecisionTimes, slowsDown, whyChosen } from './times.js';

/** What this process has measured, by the kind of run: once of each. */
const measured = new Map<string, PrecisionTimes>();
/** The configurations whose precision was chosen by it, as text. */
const chosen = new Set<string>();

/** What decides how much 16 bits change the time of a step. */
function kindOf(config: Config, half: HalfPrecision): string {
  const { batch, accumulate, freeze, backend } = config;
  const { nodes } = architectureOf(config, 2);
  return JSON.stringify([nodes, imageSizeOf(config), batch, accumulate, freeze, backend, half]);
}

export const knownTimes = (config: Config, half: HalfPrecision): PrecisionTimes | undefined =>
  measured.get(kindOf(config, half));

export function keepTimes(config: Config, times: PrecisionTimes): void {
  measured.set(kindOf(config, times.half), times);
}

/** A configuration's precision was chosen by what was measured. */
export function keepChosen(config: Config): void {
  chosen.add(JSON.stringify(config));
}

const isChosen = (config: Config): boolean => chosen.has(JSON.stringify(config));

/** What was measured for a configuration's precision, if anything. */
function timesFor(config: Config): PrecisionTimes | undefined {
  if (config.precision !== 'fp32') return knownTimes(config, config.precision);
  return isChosen(config) ? knownTimes(config, 'bf16') : undefined;
}

/** A line on the precision of a run: why it was chosen, or what it costs, as far as that is known. */
export function precisionNote(config: Config): string {
  const times = timesFor(config);
  if (times === undefined) return `precision: ${policy({ dtype: config.precision }).describe()}`;
  if (isChosen(config)) return `precision: ${whyChosen(config.precision, times)}`;
  return `${slowsDown(times) ? 'warning: ' : ''}precision: ${costOfAsked(times)}`;
}

/** The same to be kept with the run. */
export function precisionVersion(config: Config): { precision?: string } {
  const times = timesFor(config);
  return times === undefined ? {} : { precision: bothTimes(config.precision, times) };
}
