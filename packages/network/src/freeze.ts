import type { Parameter } from './parameters.js';

/**
 * A parameter name with `*` for any characters, as a shell has it: `layer1.*`, `*.bias`, `conv1*`.
 *
 * @example
 * matchesName('layer1.0.conv1.weight', 'layer1.*'); // true
 */
export function matchesName(name: string, pattern: string): boolean {
  const literal = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`).test(name);
}

/**
 * Freezes the parameters whose names match any of the patterns: they receive no gradient, and a BatchNorm among them
 * keeps its running statistics and uses them. In place.
 *
 * @param patterns Names with `*` for any characters.
 * @returns The names of the frozen parameters, in their order.
 * @throws Error naming a pattern that matches no trainable parameter, or where nothing would be left to train.
 * @example
 * freeze(network.parameters, ['conv1*', 'bn1*', 'layer1.*']);
 */
export function freeze(parameters: readonly Parameter[], patterns: readonly string[]): string[] {
  const trainable = parameters.filter(({ variable }) => variable.trainable);
  for (const pattern of patterns) {
    if (trainable.some(({ name }) => matchesName(name, pattern))) continue;
    const names = trainable.map(({ name }) => name);
    throw new Error(
      `freeze: ${pattern} matches no parameter; their names are ${names.slice(0, 3).join(', ')}, …, ${names.at(-1) ?? ''}`,
    );
  }
  const frozen = trainable.filter(({ name }) => patterns.some((pattern) => matchesName(name, pattern)));
  if (frozen.length === trainable.length && frozen.length > 0) {
    throw new Error(`freeze: ${patterns.join(', ')} leaves nothing to train; leave out the head`);
  }
  for (const { variable } of frozen) variable.trainable = false;
  return frozen.map(({ name }) => name);
}
