import {
  abs,
  add,
  engine,
  equal,
  getGradient,
  getKernel,
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
 * wasm and onednn backends, and on webgpu with `@bag/tfjs-webgpu`: subnormals, ±∞ and NaN included. On others by
 * arithmetic, exact too if the device computes in single precision, but for the sign of a zero, which shaders need not
 * keep, and for subnormal float32 numbers where it takes those for 0. The gradient passes straight through.
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
 * Dekker and Veltkamp's splitting: with c = (2ˢ + 1)·x, c − (c − x) is x rounded to 24 − s bits. Below the format's normal
 * numbers all have the same distance: adding and subtracting a number whose last bit is worth that rounds to it. Zeros
 * take the sign of x, and what is not finite stays.
 * Source: Dekker 1971, section 4.
 */
export function roundByArithmetic(x: Tensor, format: HalfFormat): Tensor {
  const magnitude = abs(x);
  const rounded = format === 'float16' ? toFloat16(x, magnitude) : toBfloat16(x, magnitude);
  return where(equal(rounded, 0), mul(x, 0), rounded);
}

function toFloat16(x: Tensor, magnitude: Tensor): Tensor {
  const normal = where(less(magnitude, 2 ** -14), toMultiples(x, 2 ** -24), split(x, 13));
  return where(less(magnitude, 65520), normal, mul(x, Infinity));
}

function toBfloat16(x: Tensor, magnitude: Tensor): Tensor {
  // Scaled, so that neither c overflows nor the sum is a subnormal number.
  const tiny = mul(toMultiples(mul(x, 2 ** 64), 2 ** (64 - 133)), 2 ** -64);
  const large = mul(split(mul(x, 2 ** -64), 16), 2 ** 64);
  const finite = where(less(magnitude, 2 ** 100), split(x, 16), large);
  return where(less(magnitude, 2 ** -126), tiny, where(less(magnitude, Infinity), finite, x));
}

function split(x: Tensor, bits: number): Tensor {
  const c = mul(x, 2 ** bits + 1);
  return sub(c, sub(c, x));
}

function toMultiples(x: Tensor, unit: number): Tensor {
  const large = unit * 1.5 * 2 ** 23;
  return sub(add(x, large), large);
}
