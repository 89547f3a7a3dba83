import { expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkEachTest } from './fixtures/onednn.js';

checkEachTest();

type Dtype = 'float32' | 'int32' | 'bool';

/** Of each line along the axis where its extreme stands first; a line that begins with NaN gives 0. */
function indices(data: number[], shape: number[], axis: number, beyond: (a: number, b: number) => boolean): number[] {
  const length = shape[axis] as number;
  const inner = tf.util.sizeFromShape(shape.slice(axis + 1));
  const outer = tf.util.sizeFromShape(shape.slice(0, axis));
  const result: number[] = [];
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const line = Array.from({ length }, (_, k) => data[(o * length + k) * inner + i] as number);
      result.push(line.reduce((best, v, k) => (beyond(v, line[best] as number) ? k : best), 0));
    }
  }
  return result;
}

describe.each(['argMax', 'argMin'] as const)('%s', (name) => {
  const beyond = name === 'argMax' ? (a: number, b: number) => a > b : (a: number, b: number) => a < b;

  async function check(data: number[], shape: number[], axis: number, dtype: Dtype) {
    await expectNoLeak(async () => {
      const x = tf.tensor(data, shape, dtype);
      const y = tf[name](x, axis);
      expect(y.dtype).toBe('int32');
      expect(y.shape).toEqual(shape.filter((_, i) => i !== axis));
      expect([...(await y.data())]).toEqual(indices(data, shape, axis, beyond));
      tf.dispose([x, y]);
    });
  }

  test.each([
    [[1], 0],
    [[1000], 0],
    [[100_003], 0],
    [[3, 5], 1],
    [[3, 5], 0],
    [[7, 777], 1],
    [[50, 1300], 0],
    [[2, 31, 5, 3], 1],
  ])('of %j along %d', async (shape, axis) => {
    const wave = Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => Math.fround(Math.sin(i * 0.37)));
    await check(wave, shape, axis, 'float32');
    // Few distinct values: the first of equals counts.
    await check(
      wave.map((v) => Math.round(v * 3)),
      shape,
      axis,
      'int32',
    );
    await check(
      wave.map((v) => Number(v > 0.2)),
      shape,
      axis,
      'bool',
    );
  });

  test('the extreme in any place, among NaN and ∞', async () => {
    const value = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(NaN, Infinity, -Infinity));
    const data = fc.array(value, { minLength: 1, maxLength: 90 });
    await fc.assert(
      fc.asyncProperty(data, fc.integer({ min: 1, max: 3 }), async (row, columns) => {
        const rows = Array.from({ length: columns }, () => row).flat();
        await check(rows, [columns, row.length], 1, 'float32');
        await check(rows, [row.length, columns], 0, 'float32');
      }),
      { numRuns: 100 },
    );
  });
});
