import type { HalfFormat } from './half.js';

/**
 * Rounds 32-bit floats to a 16-bit format, in place: to nearest, ties to even; subnormals kept; overflow to ±∞; NaN
 * and the sign of zero kept. float16 has 10 bits of mantissa and 5 of exponent (largest 65504, smallest 2⁻²⁴), bfloat16
 * 7 and 8.
 *
 * Source: IEEE 754-2019, section 4.3.1.
 * @example roundArray(Float32Array.of(65520), 'float16'); // [∞]
 */
export function roundArray(values: Float32Array, format: HalfFormat): Float32Array {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  if (format === 'bfloat16') roundBfloat16(bits);
  else roundFloat16(bits, values);
  return values;
}

const exponentMask = 0x7f800000;

function roundBfloat16(bits: Int32Array): void {
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i] as number;
    // The payload of a NaN may lie in the half that is cut off: set its quiet bit.
    if ((b & exponentMask) === exponentMask) {
      bits[i] = (b & 0x7fffff) === 0 ? b : (b | 0x400000) & 0xffff0000;
    } else bits[i] = (b + 0x7fff + ((b >>> 16) & 1)) & 0xffff0000;
  }
}

const largestBelowInfinity = 0x477ff000; // 65520: half way from 65504 to the next, and its tie goes up
const smallestNormal = 0x38800000; // 2⁻¹⁴

function roundFloat16(bits: Int32Array, values: Float32Array): void {
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i] as number;
    const magnitude = b & 0x7fffffff;
    if (magnitude >= largestBelowInfinity) {
      if (magnitude <= exponentMask) bits[i] = (b & 0x80000000) | exponentMask;
      else bits[i] = (b | 0x400000) & 0xffffe000;
    } else if (magnitude >= smallestNormal) {
      bits[i] = (b + 0xfff + ((b >>> 13) & 1)) & 0xffffe000;
    } else if (magnitude !== 0) {
      // Next to 0.5 single precision has exactly the subnormals' spacing of 2⁻²⁴, so adding it rounds to them.
      const value = values[i] as number;
      const rounded = Math.fround(Math.abs(value) + 0.5) - 0.5;
      values[i] = b < 0 ? -rounded : rounded;
    }
  }
}
