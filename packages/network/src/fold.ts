import { add, mul, reshape, rsqrt, sub, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { Architecture, ConvUnit } from './architecture.js';

/**
 * A convolution and its BatchNorm of inference as one convolution: w' = w·γ/√(σ² + ε), b' = β + (b − μ)·γ/√(σ² + ε).
 *
 * @param parameter Gives a parameter by its name; it stays the caller's.
 * @returns `filter` of its shape and `bias` `[to]`, owned by the caller.
 */
export function foldBatchNorm(
  { name, batchNorm, bias, to, depthwise }: ConvUnit,
  { epsilon }: Pick<Architecture, 'epsilon'>,
  parameter: (name: string) => Tensor,
): { filter: Tensor; bias: Tensor } {
  return tidy(() => {
    const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
      parameter(`${batchNorm}.${part}`),
    ) as [Tensor, Tensor, Tensor, Tensor];
    const factors = mul(gamma, rsqrt(add(variance, epsilon))); // [to]
    const shift = bias ? sub(parameter(`${name}.bias`), mean) : mul(mean, -1);
    return {
      filter: mul(parameter(`${name}.weight`), depthwise ? reshape(factors, [to, 1]) : factors),
      bias: add(beta, mul(shift, factors)),
    };
  });
}
