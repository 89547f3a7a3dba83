import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { evaluate } from './fixtures/onednn.js';
import { noise } from './fixtures/noise.js';

beforeAll(async () => {
  await tf.setBackend('onednn');
});

type Format = 'float16' | 'bfloat16';
const floatOf = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer)[0] as number;
const bitsOf = (value: number) => new Uint32Array(Float32Array.of(value).buffer)[0] as number;

const round = async (values: ArrayLike<number>, format: Format) => {
  const array = Float32Array.from(values);
  const run = () => tf.engine().runKernel<tf.Tensor>('BagRoundTo', { x: tf.tensor1d(array) }, { format });
  return (await evaluate(run)).values;
};

const formats = {
  float16: { mantissa: 10, leastExponent: -14, largest: 65504 },
  bfloat16: { mantissa: 7, leastExponent: -126, largest: floatOf(0x7f7f0000) },
};

/** The nearest value of the format by the definition, in double precision, where all of this is exact. */
function reference(x: number, format: Format): number {
  const { mantissa, leastExponent, largest } = formats[format];
  const size = Math.abs(x);
  if (!Number.isFinite(x) || x === 0) return x;
  let exponent = Math.floor(Math.log2(size));
  if (2 ** exponent > size) exponent--;
  if (2 ** (exponent + 1) <= size) exponent++;
  const spacing = 2 ** (Math.max(exponent, leastExponent) - mantissa);
  const steps = size / spacing;
  const below = Math.floor(steps);
  const rest = steps - below;
  const up = rest > 0.5 || (rest === 0.5 && below % 2 === 1);
  const rounded = (below + (up ? 1 : 0)) * spacing;
  return Math.sign(x) * (rounded > largest ? Infinity : rounded);
}

describe.each(['float16', 'bfloat16'] as const)('%s', (format) => {
  const { mantissa, leastExponent, largest } = formats[format];
  // Twice the last place of the largest is the first value beyond the range.
  const beyond = 2 ** (Math.floor(Math.log2(largest)) + 1);
  const least = 2 ** (leastExponent - mantissa);

  test('ties, denormal numbers and the ends of the range go where the definition sends them', async () => {
    const halfway = (largest + beyond) / 2;
    const values = [
      0, 1, 1 + 2 ** -mantissa, 1 + 2 ** -(mantissa + 1), 1 + 3 * 2 ** -(mantissa + 1), 2 - 2 ** -(mantissa + 2),
      largest, halfway, floatOf(bitsOf(halfway) - 1), beyond, Infinity, floatOf(0x7f7fffff),
      2 ** leastExponent, floatOf(bitsOf(2 ** leastExponent) - 1), least, least / 2, floatOf(bitsOf(least / 2) + 1),
      1.5 * least, 2.5 * least, 0.75 * least, floatOf(1), floatOf(0x7fffff),
    ]; // prettier-ignore
    const both = [...values, ...values.map((v) => -v)];
    const expected = both.map((v) => reference(Math.fround(v), format));
    expect(await round(both, format)).toEqual(expected);
    // By hand, lest the reference err in the same way.
    expect(await round([1 + 2 ** -(mantissa + 1), 1 + 3 * 2 ** -(mantissa + 1)], format)).toEqual([
      1,
      1 + 2 ** (1 - mantissa),
    ]);
    expect(await round([halfway, -halfway, least / 2, -least / 2], format)).toEqual([Infinity, -Infinity, 0, -0]);
  });

  test('numbers of any size, which are rounded once', async () => {
    const exponents = noise(20_001, 1, 0, 148);
    const values = noise(20_001, 2).map((v, i) => v * 2 ** Math.trunc(exponents[i] as number));
    const expected = Array.from(values, (v) => reference(v, format));
    const rounded = await round(values, format);
    expect(rounded).toEqual(expected);
    expect(await round(rounded, format)).toEqual(rounded);
  });

  test('every NaN stays one, also where its bits lie in the half that is cut off', async () => {
    const nans = Float32Array.from([0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff, 0x7fc00000].map(floatOf));
    expect(await round([...nans, 1], format)).toEqual([NaN, NaN, NaN, NaN, NaN, 1]);
  });
});

test('results larger than the cache are the same', async () => {
  const values = noise(2_000_003, 3, 0, 70_000);
  const rounded = await round(values, 'float16');
  let wrong = 0;
  values.forEach((v, i) => {
    if (rounded[i] !== reference(v, 'float16')) wrong++;
  });
  expect(wrong).toBe(0);
});

test('any shape, none of its values changed in place', async () => {
  const x = tf.tensor3d([2049, 1, 65520, 0.1], [2, 1, 2]);
  const y = tf.engine().runKernel<tf.Tensor>('BagRoundTo', { x }, { format: 'float16' });
  expect(y.shape).toEqual([2, 1, 2]);
  expect(Array.from(y.dataSync())).toEqual([2048, 1, Infinity, 0.0999755859375]);
  expect(Array.from(x.dataSync())).toEqual([2049, 1, 65520, Math.fround(0.1)]);
  tf.dispose([x, y]);
  expect(await round([], 'bfloat16')).toEqual([]);
});
