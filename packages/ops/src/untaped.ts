import { customGrad, type Tensor, zerosLike } from '@tensorflow/tfjs-core';

/**
 * Runs a part of a differentiated function as a constant: no tape records it, so nothing of it is kept for the backward
 * pass, and engines use their inference kernels. For the frozen beginning of a network.
 *
 * @param inputs What `f` takes; the gradient ends here.
 * @returns What `f` gives, owned by the caller; the tensors that it makes on the way are freed.
 * @example
 * const features = untaped([images], () => frozenLayers(images));
 */
export function untaped<T extends Tensor>(inputs: readonly Tensor[], f: () => T): T {
  // Inside a kernel no tape records, and a custom gradient runs its forward pass as one.
  const constant = customGrad(() => ({
    value: f(),
    gradFunc: () => inputs.map((input) => zerosLike(input)),
  }));
  return constant(...inputs);
}
