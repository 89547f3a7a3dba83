import {
  abs,
  add,
  engine,
  getGradient,
  getKernel,
  greaterEqual,
  less,
  mul,
  registerGradient,
  registerKernel,
  sub,
  type Tensor,
  tidy,
  where,
} from '@tensorflow/tfjs-core';
import { liveValues } from './buffers.js';
import { roundArray } from './formats.js';
import type { HalfFormat } from './half.js';

const kernelName = 'BagRoundTo';

/**
 * The nearest values that a 16-bit format can hold, still in a float32 tensor; ties go to even. Bit-exact on the cpu,
 * wasm and onednn backends, subnormals, ±∞ and NaN included; on others by arithmetic, exact for finite values below 2¹⁰⁰
 * if the device computes in single precision and keeps subnormals. The gradient passes straight through.
 *
 * @param x Any shape, float32.
 * @returns A new tensor of x's shape, owned by the caller.
 * @throws Error for another dtype, RangeError for another format.
 * @example
 * roundTo(tf.scalar(2049), 'float16'); // 2048
 */
export function roundTo<T extends Tensor>(x: T, format: HalfFormat): T {
  if (x.dtype !== 'float32') throw new Error(`roundTo: expected a float32 tensor, got ${x.dtype}`);
  if (format !== 'float16' && format !== 'bfloat16') {
    throw new RangeError(`roundTo: expected float16 or bfloat16, got ${JSON.stringify(format)}`);
  }
  const { backendName } = engine();
  if (getKernel(kernelName, backendName) === undefined) {
    registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, attrs }) =>
        round(inputs['x'] as Tensor, (attrs as unknown as { format: HalfFormat }).format),
    });
  }
  if (getGradient(kernelName) == null) {
    registerGradient({ kernelName, gradFunc: (dy) => ({ x: () => (dy as Tensor).clone() }) });
  }
  return engine().runKernel(kernelName, { x }, { format }) as unknown as T;
}

function round(x: Tensor, format: HalfFormat): Tensor {
  return tidy(() => {
    const copy = mul(x, 1);
    const values = liveValues(copy);
    if (values === undefined) return roundByArithmetic(x, format);
    roundArray(values, format);
    return copy;
  });
}

/**
 * Dekker and Veltkamp's splitting: with c = (2ˢ + 1)·x, c − (c − x) is x rounded to 24 − s bits.
 * Source: Dekker 1971, section 4.
 */
export function roundByArithmetic(x: Tensor, format: HalfFormat): Tensor {
  const split = (bits: number) => {
    const c = mul(x, 2 ** bits + 1);
    return sub(c, sub(c, x));
  };
  if (format === 'bfloat16') return split(16);
  const tiny = where(greaterEqual(x, 0), sub(add(x, 0.5), 0.5), add(sub(x, 0.5), 0.5));
  const magnitude = abs(x);
  const normal = where(less(magnitude, 2 ** -14), tiny, split(13));
  return where(less(magnitude, 65520), normal, mul(x, Infinity));
}
