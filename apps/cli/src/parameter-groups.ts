import { matchesName } from '@bag/network';
import { noBiasDecay } from '@bag/regularizers';
import type { Config } from './config/schema.js';
import { UsageError } from './errors.js';

/**
 * Parameters in groups of one weight decay and one rate each.
 * @throws UsageError for a pattern of `rateScale` that matches no parameter.
 */
export function parameterGroups<P extends { readonly name: string; readonly shape: number[] }>(
  { weightDecay, noBiasDecay: weightsOnly, rateScale }: Pick<Config, 'weightDecay' | 'noBiasDecay' | 'rateScale'>,
  parameters: readonly P[],
): { parameters: P[]; weightDecay: number; rateScale: number }[] {
  const patterns = Object.keys(rateScale);
  const unused = patterns.find((pattern) => !parameters.some(({ name }) => matchesName(name, pattern)));
  if (unused !== undefined) {
    const [first] = parameters;
    throw new UsageError(
      `rateScale: ${unused} matches no parameter that is trained; their names look like ${first?.name ?? ''}`,
    );
  }
  const scaleOf = ({ name }: P) => rateScale[patterns.find((pattern) => matchesName(name, pattern)) ?? ''] ?? 1;
  const groups = weightsOnly ? noBiasDecay(parameters, { weightDecay }) : [{ parameters, weightDecay }];
  const scales = [...new Set(parameters.map(scaleOf))];
  return groups.flatMap(({ parameters: all, weightDecay: decay }) =>
    scales
      .map((scale) => ({
        parameters: all.filter((one) => scaleOf(one) === scale),
        weightDecay: decay,
        rateScale: scale,
      }))
      .filter((group) => group.parameters.length > 0),
  );
}
