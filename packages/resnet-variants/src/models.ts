import {
  type Architecture,
  cifarArchitecture,
  cifarDepths,
  imageNetArchitecture,
  imageNetDepths,
  type Variant,
} from './architecture.js';
import { countMultiplyAdds, countParameters } from './count.js';

/** One line of the model table. */
export interface ModelInfo {
  /** Such as `resnet50`; a variant's letter may follow it. */
  name: string;
  variant: Variant;
  family: Architecture['family'];
  /** Trainable parameters. */
  parameters: number;
  /** Of one forward pass at `inputSize`. */
  multiplyAdds: number;
  /** Pixels on a side. */
  inputSize: number;
  classes: number;
}

const variants: readonly Variant[] = ['a', 'b', 'c', 'd'];

/**
 * Every named model in every variant, with its parameters and multiply-adds.
 *
 * @example
 * models().find(({ name, variant }) => name === 'resnet50' && variant === 'd')?.parameters; // 25576264
 */
export function models(): ModelInfo[] {
  const infos = (architecture: (variant: Variant) => Architecture, depth: number) =>
    variants.map((variant) => info(`resnet${depth}`, architecture(variant)));
  return [
    ...imageNetDepths.flatMap((depth) => infos((variant) => imageNetArchitecture({ depth, variant }), depth)),
    ...cifarDepths.flatMap((depth) => infos((variant) => cifarArchitecture({ depth, variant }), depth)),
  ];
}

function info(name: string, architecture: Architecture): ModelInfo {
  const { variant, family, inputSize, classes } = architecture;
  const [parameters, multiplyAdds] = [countParameters(architecture), countMultiplyAdds(architecture)];
  return { name, variant, family, parameters, multiplyAdds, inputSize, classes };
}

/**
 * What a name such as `resnet50`, `resnet50d` or `resnet20` stands for.
 * @throws Error listing the names, for any other.
 * @example
 * parseModelName('resnet50d'); // { depth: 50, family: 'imagenet', variant: 'd' }
 */
export function parseModelName(name: string): { depth: number; family: Architecture['family']; variant?: Variant } {
  const match = /^resnet(\d+)([a-d])?$/.exec(name);
  const depth = Number(match?.[1]);
  const letter = match?.[2] as Variant | undefined;
  const family = imageNetDepths.includes(depth) ? 'imagenet' : 'cifar';
  if (match === null || (family === 'cifar' && !(depth >= 8 && (depth - 2) % 6 === 0))) {
    const known = [...imageNetDepths, ...cifarDepths].map((n) => `resnet${n}`).join(', ');
    throw new Error(`unknown model ${name}; known are ${known} (any 6n + 2 layers), each with a, b, c or d after it`);
  }
  return { depth, family, ...(letter !== undefined && { variant: letter }) };
}
