import { input, runElements, type WebGpuKernel } from './kernel.js';

/**
 * `BagRoundTo` of `@bag/mixed-precision`: the nearest values that bfloat16 or float16 hold, ties to even, in float32.
 * With integers on the bits, as a GPU may flush subnormals, and need not divide or fuse as IEEE 754 has it.
 */
export const roundTo: WebGpuKernel = (inputs, attributes, backend) => {
  const x = input(inputs, 'x');
  const { format } = attributes as { format: 'float16' | 'bfloat16' };
  const code = `
    fn element(index : i32) -> f32 {
      let bits = bitcast<u32>(x[index]);
      let magnitude = bits & 0x7fffffffu;
      let sign = bits & 0x80000000u;
      ${format === 'bfloat16' ? bfloat16 : float16}
    }`;
  return runElements(backend, { name: `round_${format}`, shape: x.shape, dtype: 'float32', inputs: { x }, code });
};

// A NaN's payload may lie in the bits that are cut off: its quiet bit is set. A carry out of the mantissa is the next
// exponent, up to infinity.

const bfloat16 = `
  if (magnitude > 0x7f800000u) { return bitcast<f32>((bits | 0x400000u) & 0xffff0000u); }
  return bitcast<f32>((bits + 0x7fffu + ((bits >> 16u) & 1u)) & 0xffff0000u);`;

const float16 = `
  if (magnitude > 0x7f800000u) { return bitcast<f32>((bits | 0x400000u) & 0xffffe000u); }
  if (magnitude >= 0x477ff000u) { return bitcast<f32>(sign | 0x7f800000u); } // 65520 and more
  if (magnitude >= 0x38800000u) { return bitcast<f32>((bits + 0xfffu + ((bits >> 13u) & 1u)) & 0xffffe000u); }
  // Below 2⁻¹⁴: multiples of 2⁻²⁴, of which this is mantissa / 2^shift.
  if (magnitude < 0x33000000u) { return bitcast<f32>(sign); } // below 2⁻²⁵
  let shift = 126u - (magnitude >> 23u);
  let mantissa = (magnitude & 0x7fffffu) | 0x800000u;
  let whole = mantissa >> shift;
  let rest = mantissa & ((1u << shift) - 1u);
  let half = 1u << (shift - 1u);
  let up = select(0u, 1u, rest > half || (rest == half && (whole & 1u) == 1u));
  return bitcast<f32>(sign | bitcast<u32>(f32(whole + up) * 0x1p-24));`;
