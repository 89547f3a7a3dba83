import type { Tensor } from '@tensorflow/tfjs-core';
import { roundTo } from './round-to.js';
import type { HalfFormat } from './half.js';

/**
 * 16-bit copies of fp32 master weights, for a forward pass of one's own; gradients reach the masters unrounded. Under a
 * `policy` this happens by itself.
 *
 * @returns New tensors by the same names, owned by the caller; inside a `tidy` or a gradient they die with it.
 * @example
 * const { w } = halfCopies({ w: master }, 'bfloat16');
 */
export function halfCopies<T extends Record<string, Tensor>>(
  masters: T,
  format: HalfFormat,
): { [K in keyof T]: Tensor } {
  return Object.fromEntries(Object.entries(masters).map(([name, master]) => [name, roundTo(master, format)])) as {
    [K in keyof T]: Tensor;
  };
}
