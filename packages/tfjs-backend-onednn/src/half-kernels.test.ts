import { type HalfFormat, roundArray } from '@bag/mixed-precision';
import * as tf from '@tensorflow/tfjs';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { bfloat16Products, type Case, cases, type Input, runKernel } from './fixtures/half-cases.js';
import { noise } from './fixtures/noise.js';
import { onednn } from './fixtures/onednn.js';
import { memory } from './index.js';
import { native } from './native.js';

// Every native kernel that takes 16 bits, against tfjs-backend-cpu on the rounded operands, its result rounded.

const formats = {
  bfloat16: { mantissa: 7, leastExponent: -126, largest: 2 ** 127 * (2 - 2 ** -7) },
  float16: { mantissa: 10, leastExponent: -14, largest: 65504 },
} as const;

/** The distance to the next number of a format. */
function unit(value: number, format: HalfFormat): number {
  const { mantissa, leastExponent } = formats[format];
  return 2 ** (Math.max(Math.floor(Math.log2(Math.abs(value))), leastExponent) - mantissa);
}

/** Numbers without a pattern that the format has; among them subnormals and zeros, or what else is special. */
function valuesOf({ shape, dtype, positive, values }: Input, seed: number, format: HalfFormat, inserted: number[]) {
  const length = shape.reduce((a, b) => a * b, 1);
  if (values !== undefined) return Float32Array.from({ length }, (_, i) => values[i % values.length] as number);
  if (dtype === 'bool') return noise(length, seed).map((v) => (v > 0 ? 1 : 0));
  const result = noise(length, seed, positive ? 1 : 0, positive ? 0.9 : 3);
  for (let i = 3; i < length && !positive; i += 29) result[i] = inserted[((i - 3) / 29) % inserted.length] as number;
  return roundArray(result, format);
}

type Values = Record<string, Float32Array>;

interface Result {
  values: tf.TypedArray;
  dtype: tf.DataType;
  format: HalfFormat | undefined;
}

/** Runs a case's kernel natively, or what it is to equal on tfjs-backend-cpu. */
async function run(one: Case, values: Values, format: HalfFormat | undefined): Promise<Result[]> {
  await tf.setBackend(format === undefined ? 'cpu' : 'onednn');
  return tf.tidy(() => {
    const made = Object.entries(one.inputs).map(([name, { shape, dtype = 'float32', single = false }]) => {
      const x = tf.tensor(values[name] as Float32Array, shape, dtype);
      if (format === undefined || dtype !== 'float32' || single) return [name, x] as const;
      return [name, tf.engine().makeTensorFromTensorInfo(onednn().asHalf(x, format))] as const;
    });
    const tensors = Object.fromEntries(made);
    // A list's names are numbers.
    const inputs = one.list === true ? made.map(([, x]) => x) : tensors;
    const results =
      format === undefined && one.reference ? one.reference(tensors) : runKernel(one.kernel, inputs, one.attributes);
    return [results].flat().map((y) => ({
      values: y.dataSync().slice(),
      dtype: y.dtype,
      format: format && onednn().halfOf(y.dataId),
    }));
  });
}

/** The native kernels that the tests have run. */
const served = new Set<string>();

/** Records the native kernels that `f` runs after its tensors are made. */
async function recorded<T>(f: () => Promise<T>): Promise<[T, string[]]> {
  const names: string[] = [];
  const runNative = native.run.bind(native);
  const spy = vi.spyOn(native, 'run').mockImplementation((number, count) => {
    names.push(native.kernels[number] as string);
    runNative(number, count);
  });
  try {
    return [await f(), names];
  } finally {
    spy.mockRestore();
  }
}

/** Asserts that each value is within one unit of the expected one, and of what another order of the sums may do. */
function expectClose(one: Case, actual: Result, expected: Result, sums: ArrayLike<number> | undefined): void {
  const { format } = actual;
  const wanted = format === undefined ? expected.values : roundArray(Float32Array.from(expected.values), format);
  expect(actual.values.length).toBe(wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    const [a, b] = [actual.values[i] as number, wanted[i] as number];
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    const rounding = format === undefined ? 2 ** -20 * Math.abs(b) : unit(b, format);
    const most = one.moves === true ? 0 : rounding + (one.error ?? 0) + 2 ** -20 * (sums?.[i] ?? 0);
    if (!(Math.abs(a - b) <= most)) expect.fail(`value ${i} is ${a}, expected ${b} ± ${most}`);
  }
}

describe.each(['bfloat16', 'float16'] as const)('%s', (format) => {
  const { mantissa, leastExponent, largest } = formats[format];
  const subnormal = 2 ** (leastExponent - mantissa);
  const small = [subnormal, -5 * subnormal, 0, -0];
  // Products are summed up in float32, which overflows where double precision does not, and bfloat16's instructions take
  // subnormal numbers for 0: ∞ times one is NaN.
  const special = ({ product }: Case) => [
    Infinity,
    -Infinity,
    NaN,
    0,
    ...(product ? [] : [largest, -largest, ...small]),
  ];

  test.each(cases.map((one) => [one.kernel + (one.detail ? `, ${one.detail}` : ''), one] as const))(
    '%s',
    async (_, one) => {
      await tf.setBackend('onednn');
      const { blocksInUse } = memory();
      for (const inserted of one.finite === true ? [small] : [small, special(one)]) {
        const values = Object.fromEntries(
          Object.entries(one.inputs).map(([name, input], i) => [name, valuesOf(input, i + 1, format, inserted)]),
        );
        const [actual, names] = await recorded(() => run(one, values, format));
        const expected = await run(one, values, undefined);
        expect(actual.length).toBe(expected.length);
        // Natively: nothing is widened, and nothing narrowed but the operands that the test made.
        const operands = Object.values(one.inputs).filter(({ dtype, single }) => dtype === undefined && !single).length;
        if (!one.product || (format === 'bfloat16' && bfloat16Products)) {
          expect(names).not.toContain('Widen');
          expect(names.filter((name) => name === 'Narrow').length).toBe(operands + (one.narrowed ?? 0));
        }
        names.forEach((name) => served.add(name));
        const sums = one.linear?.length ? await run(one, absolute(values, one.linear), undefined) : undefined;
        actual.forEach((result, i) => {
          const inHalf = one.halves?.[i] ?? true;
          expect(result.dtype).toBe(expected[i]?.dtype);
          expect(result.format).toBe(result.dtype === 'float32' && inHalf ? format : undefined);
          expectClose(one, result, expected[i] as Result, sums?.[i]?.values);
        });
      }
      await tf.setBackend('onednn');
      expect(memory().blocksInUse).toBe(blocksInUse);
    },
  );
});

function absolute(values: Values, names: readonly string[]): Values {
  return Object.fromEntries(
    Object.entries(values).map(([name, list]) => [name, names.includes(name) ? list.map(Math.abs) : list]),
  );
}

afterAll(() => {
  // Those of integers and truth values, those that make values of none, and those that widen and narrow around them.
  const others = [
    'ArgExtreme', 'BitwiseAnd', 'LogicalAnd', 'LogicalOr', 'LogicalNot', 'CrossEntropy', 'CrossEntropyGradient',
    'Cumulate', 'OneHot', 'ResizeBilinear', 'ResizeNearestNeighbor', 'ResizeGrad', 'RoundTo', 'ScatterNd',
    'TensorScatterUpdate', 'UnsortedSegmentSum', 'Fill', 'RunningStatistics', 'SgdUpdate', 'AllFinite', 'Softmax', 'TopK', 'Widen',
  ]; // prettier-ignore
  const missing = native.kernels.filter((name) => !served.has(name) && !others.includes(name));
  expect(missing, 'kernels without a test in 16 bits').toEqual([]);
});
