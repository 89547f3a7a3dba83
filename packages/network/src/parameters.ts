import { tensor, tidy, type Variable, variable } from '@tensorflow/tfjs-core';
import { type Architecture, convUnits } from './architecture.js';
import type { Initializer } from './initializers.js';

/** What a parameter is for. */
export type Role = 'weight' | 'bias' | 'gamma' | 'beta' | 'runningMean' | 'runningVariance';

export interface Parameter {
  /** The name that torchvision, timm and gluon give it, such as `layer1.0.conv1.weight`. */
  readonly name: string;
  readonly role: Role;
  /** Filters `[height, width, from, to]`, depthwise ones `[height, width, channels, 1]`, dense weights `[from, to]`, vectors `[channels]`. */
  readonly shape: number[];
  /** The fp32 master value; untrainable for running statistics. */
  readonly variable: Variable;
}

/**
 * Names, roles and shapes of an architecture's parameters, in the order of the forward pass.
 *
 * @example
 * parameterShapes(imageNetArchitecture({ depth: 18 }))[0]; // { name: 'conv1.weight', role: 'weight', shape: [7, 7, 3, 64] }
 */
export function parameterShapes(architecture: Architecture): Omit<Parameter, 'variable'>[] {
  const { head, classes } = architecture;
  const shapes: Omit<Parameter, 'variable'>[] = convUnits(architecture).flatMap(
    ({ name, batchNorm, kernel, from, to, depthwise, bias }) => [
      { name: `${name}.weight`, role: 'weight', shape: [...kernel, from, depthwise ? 1 : to] },
      ...(bias ? [{ name: `${name}.bias`, role: 'bias' as const, shape: [to] }] : []),
      { name: `${batchNorm}.weight`, role: 'gamma', shape: [to] },
      { name: `${batchNorm}.bias`, role: 'beta', shape: [to] },
      { name: `${batchNorm}.running_mean`, role: 'runningMean', shape: [to] },
      { name: `${batchNorm}.running_var`, role: 'runningVariance', shape: [to] },
    ],
  );
  shapes.push({ name: `${head.name}.weight`, role: 'weight', shape: [head.features, classes] });
  shapes.push({ name: `${head.name}.bias`, role: 'bias', shape: [classes] });
  return shapes;
}

const constants: Record<Exclude<Role, 'weight'>, number> = {
  bias: 0,
  gamma: 1,
  beta: 0,
  runningMean: 0,
  runningVariance: 1,
};

/**
 * Fresh variables: weights by the initialiser, γ = 1, β = 0, biases 0; owned by the caller.
 *
 * @example
 * const parameters = createParameters(architecture, xavierUniform, random);
 */
export function createParameters(
  architecture: Architecture,
  initializer: Initializer,
  random: () => number,
): Parameter[] {
  return parameterShapes(architecture).map(({ name, role, shape }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const values = role === 'weight' ? initializer(shape, random) : new Float32Array(size).fill(constants[role]);
    const trainable = role !== 'runningMean' && role !== 'runningVariance';
    return { name, role, shape, variable: tidy(() => variable(tensor(values, shape), trainable)) };
  });
}
