import { add, mul, type NamedTensorMap, sub, type Tensor } from '@tensorflow/tfjs-core';
import { runKernel } from './kernel.js';

export interface SgdUpdateOptions {
  /** p, any shape, float32. */
  parameter: Tensor;
  /** g, of p's shape. */
  gradient: Tensor;
  /** v, the momentum buffer, of p's shape; zeros at the first step. */
  velocity: Tensor;
  /** η, the learning rate. */
  rate: number;
  /** μ; 0 is plain gradient descent. */
  momentum?: number;
  /** Nesterov's look-ahead. */
  nesterov?: boolean;
  /** λ, the L2 penalty's coefficient. */
  weightDecay?: number;
  /** The gradient is multiplied by this first: 1/scale undoes a loss scale. */
  gradientScale?: number;
}

/** The attributes of the `BagSgdUpdate` kernel. */
export type SgdAttributes = Required<Omit<SgdUpdateOptions, 'parameter' | 'gradient' | 'velocity'>>;

/**
 * One step of stochastic gradient descent, as `torch.optim.SGD` defines it: g' = s·g + λ·p; v' = μ·v + g';
 * p' = p − η·(g' + μ·v') with `nesterov`, else p' = p − η·v'; s = `gradientScale`.
 *
 * @returns `{parameter, velocity}` = p', v': fresh tensors, owned by the caller; the inputs are left as they are, so that
 * what an engine derived from the old weight stays true until that weight is disposed.
 * @throws Error where the shapes differ.
 * @example
 * const next = sgdUpdate({ parameter, gradient, velocity, rate: 0.1, momentum: 0.9, nesterov: true });
 */
export function sgdUpdate({
  parameter,
  gradient,
  velocity,
  rate,
  momentum = 0,
  nesterov = false,
  weightDecay = 0,
  gradientScale = 1,
}: SgdUpdateOptions): { parameter: Tensor; velocity: Tensor } {
  for (const [name, { shape }] of Object.entries({ gradient, velocity })) {
    if (shape.join() !== parameter.shape.join()) {
      throw new Error(
        `sgdUpdate: expected a ${name} of the parameter's shape [${parameter.shape.join(', ')}], got [${shape.join(', ')}]`,
      );
    }
  }
  const attributes: SgdAttributes = { rate, momentum, nesterov, weightDecay, gradientScale };
  const outputs = runKernel('BagSgdUpdate', { parameter, gradient, velocity }, attributes, compose);
  const [next, nextVelocity] = outputs as [Tensor, Tensor];
  return { parameter: next, velocity: nextVelocity };
}

function compose({ parameter, gradient, velocity }: NamedTensorMap, attrs: unknown): Tensor[] {
  const { rate, momentum, nesterov, weightDecay, gradientScale } = attrs as SgdAttributes;
  const p = parameter as Tensor;
  const scaled = mul(gradient as Tensor, gradientScale);
  const g = weightDecay === 0 ? scaled : add(scaled, mul(p, weightDecay));
  const v = add(mul(velocity as Tensor, momentum), g);
  return [sub(p, mul(nesterov ? add(g, mul(v, momentum)) : v, rate)), v];
}
