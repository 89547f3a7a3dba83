import { type Architecture, type ConvUnit, imagesNode } from './architecture.js';
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
 * The names that any of the patterns matches, running statistics left out, in their order.
 * @throws Error naming a pattern that matches none, or where nothing would be left to train.
 *
 * @example
 * frozenNames(parameterShapes(imageNetArchitecture({ depth: 18 })), ['conv1*', 'bn1*']);
 * // ['conv1.weight', 'bn1.weight', 'bn1.bias']
 */
export function frozenNames(
  parameters: readonly Pick<Parameter, 'name' | 'role'>[],
  patterns: readonly string[],
): string[] {
  const names = parameters.filter(({ role }) => !role.startsWith('running')).map(({ name }) => name);
  const unused = patterns.find((pattern) => !names.some((name) => matchesName(name, pattern)));
  if (unused !== undefined) {
    throw new Error(
      `freeze: ${unused} matches no parameter; their names are ${names.slice(0, 3).join(', ')}, …, ${names.at(-1) ?? ''}`,
    );
  }
  const frozen = names.filter((name) => patterns.some((pattern) => matchesName(name, pattern)));
  if (frozen.length === names.length && frozen.length > 0) {
    throw new Error(`freeze: ${patterns.join(', ')} leaves nothing to train; leave out the head`);
  }
  return frozen;
}

/**
 * Freezes the parameters whose names match any of the patterns: they receive no gradient, and a BatchNorm among them
 * keeps its running statistics and uses them. In place; what is frozen already stays so.
 *
 * @param patterns Names with `*` for any characters.
 * @returns The names that the patterns match, in their order.
 * @throws Error naming a pattern that matches no parameter, or where nothing would be left to train.
 * @example
 * freeze(network.parameters, ['conv1*', 'bn1*', 'layer1.*']);
 */
export function freeze(parameters: readonly Parameter[], patterns: readonly string[]): string[] {
  const frozen = new Set(frozenNames(parameters, patterns));
  for (const { name, variable } of parameters) if (frozen.has(name)) variable.trainable = false;
  return [...frozen];
}

/** The nodes up to which nothing learns, `imagesNode` among them: no gradient needs their values. */
export function frozenBeginning(
  nodes: Architecture['nodes'],
  learns: (parameter: string) => boolean,
): ReadonlySet<string> {
  const frozen = new Set<string>([imagesNode]);
  for (const node of nodes) {
    const own = node.kind === 'conv' ? parametersOf(node.unit) : [];
    if (node.inputs.every((input) => frozen.has(input)) && !own.some(learns)) frozen.add(node.name);
  }
  return frozen;
}

const parametersOf = ({ name, batchNorm, bias }: ConvUnit) => [
  `${name}.weight`,
  ...(bias ? [`${name}.bias`] : []),
  `${batchNorm}.weight`,
  `${batchNorm}.bias`,
];
