import * as tf from '@tensorflow/tfjs';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { activations } from './fixtures/activations.js';
import { noise } from './fixtures/noise.js';
import { memory, type OnednnBackend } from './index.js';

beforeAll(async () => {
  await tf.setBackend('onednn');
});

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

const values = (length: number, seed: number) => noise(length, seed, 0, 2);

interface Operand {
  values: Float32Array;
  /** Batch axes, then rows and columns as they are stored. */
  shape: number[];
  transposed: boolean;
}

/** The place of a value in an operand whose batch axes are broadcast to `outer`. */
function place({ shape, transposed }: Operand, outer: number[], batch: number, row: number, column: number): number {
  const own = shape.slice(0, -2);
  const [rows, columns] = shape.slice(-2) as [number, number];
  let rest = batch;
  let index = 0;
  let step = 1;
  for (let axis = outer.length - 1, i = own.length - 1; axis >= 0; axis--, i--) {
    const at = rest % (outer[axis] as number);
    rest = Math.floor(rest / (outer[axis] as number));
    if (i >= 0 && own[i] !== 1) index += at * step;
    step *= own[i] ?? 1;
  }
  return index * rows * columns + (transposed ? column * columns + row : row * columns + column);
}

/** Σ_k a·b in double precision and Σ |a·b|. */
function reference(a: Operand, b: Operand, outer: number[], rows: number, inner: number, columns: number) {
  const sums = new Float64Array(size(outer) * rows * columns);
  const sizes = new Float64Array(sums.length);
  for (let n = 0, to = 0; n < size(outer); n++)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++, to++)
        for (let k = 0; k < inner; k++) {
          const left = a.values[place(a, outer, n, i, k)] as number;
          const product = left * (b.values[place(b, outer, n, k, j)] as number);
          sums[to] = (sums[to] as number) + product;
          sizes[to] = (sizes[to] as number) + Math.abs(product);
        }
  return { sums, sizes };
}

function run(a: Operand, b: Operand, fused?: { bias?: [Float32Array, number[]]; activation: string }) {
  const tensorsBefore = tf.memory().numTensors;
  const blocksBefore = memory().blocksInUse;
  const inputs: tf.NamedTensorMap = { a: tf.tensor(a.values, a.shape), b: tf.tensor(b.values, b.shape) };
  if (fused?.bias !== undefined) inputs['bias'] = tf.tensor(...fused.bias);
  if (fused?.activation === 'prelu') inputs['preluActivationWeights'] = tf.scalar(0.25);
  const y: tf.Tensor = tf.engine().runKernel(fused === undefined ? 'BatchMatMul' : '_FusedMatMul', inputs, {
    transposeA: a.transposed,
    transposeB: b.transposed,
    ...(fused !== undefined && { activation: fused.activation, leakyreluAlpha: 0.3 }),
  });
  const result = { shape: y.shape, values: y.dataSync() };
  tf.dispose([y, inputs] as tf.TensorContainer);
  expect(tf.memory().numTensors, 'tensors').toBe(tensorsBefore);
  expect(memory().blocksInUse, 'blocks').toBe(blocksBefore);
  return result;
}

const operand = (outer: number[], rows: number, columns: number, transposed: boolean, seed: number): Operand => {
  const shape = [...outer, ...(transposed ? [columns, rows] : [rows, columns])];
  return { values: values(size(shape), seed), shape, transposed };
};

function check(outerA: number[], outerB: number[], [rows, inner, columns]: [number, number, number]): void {
  const rank = Math.max(outerA.length, outerB.length);
  const at = (outer: number[], axis: number) => outer[axis - rank + outer.length] ?? 1;
  const outer = Array.from({ length: rank }, (_, i) => Math.max(at(outerA, i), at(outerB, i)));
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      const a = operand(outerA, rows, inner, transposeA, 1);
      const b = operand(outerB, inner, columns, transposeB, 2);
      const { sums, sizes } = reference(a, b, outer, rows, inner, columns);
      const y = run(a, b);
      expect(y.shape).toEqual([...outer, rows, columns]);
      y.values.forEach((value, i) => {
        const allowed = 1e-6 * (sizes[i] as number);
        if (!(Math.abs(value - (sums[i] as number)) <= allowed)) {
          expect.fail(`element ${i}, transposed ${transposeA} ${transposeB}: ${value} differs from ${sums[i]}`);
        }
      });
    }
  }
}

describe('matMul', () => {
  it.each<[number, number, number]>([
    [1, 1, 1],
    [1, 17, 1],
    [5, 1, 3],
    [1, 64, 33],
    [33, 65, 1],
    [17, 31, 13],
    [64, 64, 64],
    [3, 500, 2],
  ])('%i×%i by …×%i', (...sizes) => {
    check([], [], sizes);
  });

  it.each<[number[], number[]]>([
    [[3], [3]],
    [[1], [4]],
    [[4], [1]],
    [[3], []],
    [[], [3]],
    [
      [2, 3],
      [2, 3],
    ],
    [[2, 3], [3]],
    [
      [2, 1],
      [1, 3],
    ],
    [
      [1, 3],
      [2, 3],
    ],
    [
      [2, 1, 3],
      [4, 1],
    ],
    [[1, 1], [1]],
  ])('batches %j and %j', (outerA, outerB) => {
    check(outerA, outerB, [5, 7, 3]);
  });

  it('is right for any sizes', () => {
    const extent = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(extent, extent, extent, fc.integer({ min: 1, max: 4 }), (rows, inner, columns, batch) => {
        check([batch], [1], [rows, inner, columns]);
      }),
      { numRuns: 25, seed: 11 },
    );
  });

  it('does all of this natively', () => {
    const { forwarded } = tf.backend() as unknown as OnednnBackend;
    forwarded.clear();
    check([2], [2], [3, 4, 5]);
    expect([...forwarded]).toEqual([]);
  });

  it('keeps NaN and ∞ where they belong', () => {
    const a = { values: Float32Array.of(NaN, 1, 0, 1, Infinity, 0), shape: [3, 2], transposed: false };
    const b = { values: Float32Array.of(1, 0, -1, 2, 3, 4), shape: [2, 3], transposed: false };
    expect(Array.from(run(a, b).values)).toEqual([NaN, NaN, NaN, 2, 3, 4, Infinity, NaN, -Infinity]);
  });

  it('gives zeros for sums over nothing', () => {
    tf.tidy(() => {
      const y = tf.matMul(tf.zeros([2, 0]), tf.zeros([0, 3]));
      expect(y.shape).toEqual([2, 3]);
      expect(y.dataSync()).toEqual(new Float32Array(6));
      expect(tf.matMul(tf.zeros([0, 2]), tf.zeros([2, 3])).shape).toEqual([0, 3]);
    });
  });

  it('refuses inner sizes that differ, and leaves nothing behind', () => {
    const blocks = memory().blocksInUse;
    const a = operand([], 2, 3, false, 1);
    expect(() => {
      tf.tidy(() => tf.engine().runKernel('BatchMatMul', { a: tf.tensor(a.values, a.shape), b: tf.zeros([4, 2]) }, { transposeA: false, transposeB: false })); // prettier-ignore
    }).toThrow(/inner shapes \(3\) and \(4\)/);
    expect(memory().blocksInUse).toBe(blocks);
  });
});

describe.each(Object.entries(activations))('fused matMul with %s', (activation, f) => {
  it.each<[number[] | undefined, (row: number, column: number) => number]>([
    [undefined, () => 0],
    [[4], (_, column) => column],
    [[1, 4], (_, column) => column],
    // As many as there are columns, and yet a number for each row.
    [[4, 1], (row) => row],
    [[4, 4], (row, column) => row * 4 + column],
    [[1], () => 0],
  ])('adds a bias of shape %j', (shape, at) => {
    const a = operand([], 4, 6, false, 1);
    const b = operand([], 6, 4, true, 2);
    const { sums } = reference(a, b, [], 4, 6, 4);
    const bias = shape && values(size(shape), 5);
    const y = run(a, b, { activation, ...(bias && { bias: [bias, shape] as [Float32Array, number[]] }) });
    const expected = Array.from(sums, (sum, i) => f(sum + (bias?.[at(Math.floor(i / 4), i % 4)] ?? 0)));
    expected.forEach((value, i) => {
      expect(Math.abs((y.values[i] as number) - value)).toBeLessThan(4e-6);
    });
  });

  it('takes NaN, ∞ and small numbers', () => {
    const special = [NaN, Infinity, -Infinity, -100, 100, 7, 6, 1e-8, -1e-8, 0];
    const a = { values: Float32Array.from(special), shape: [special.length, 1], transposed: false };
    const b = { values: new Float32Array(17).fill(1), shape: [1, 17], transposed: false };
    const y = run(a, b, { activation });
    special.forEach((v, i) => {
      const expected = Math.fround(f(v));
      for (const actual of y.values.slice(17 * i, 17 * (i + 1))) {
        if (Number.isFinite(expected))
          expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-6 * Math.abs(expected)); // prettier-ignore
        else expect(actual).toBe(expected);
      }
    });
  });
});
