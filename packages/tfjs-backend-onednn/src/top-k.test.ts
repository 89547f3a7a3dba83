import { expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkEachTest } from './fixtures/onednn.js';

checkEachTest();

test('the largest first, the first of equals before the others', async () => {
  const rows = fc.integer({ min: 1, max: 40 }).chain((length) =>
    fc.tuple(
      fc.array(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: length, maxLength: length }), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.integer({ min: 1, max: length }),
      fc.constantFrom('float32', 'int32'),
    ),
  );
  await fc.assert(
    fc.asyncProperty(rows, async ([data, k, dtype]) => {
      await expectNoLeak(async () => {
        const x = tf.tensor2d(data, undefined, dtype);
        const { values, indices } = tf.topk(x, k);
        const order = data.map((row) => row.map((_, i) => i).sort((a, b) => (row[b] as number) - (row[a] as number)));
        expect(values.dtype).toBe(dtype);
        expect(indices.dtype).toBe('int32');
        expect(await indices.array()).toEqual(order.map((row) => row.slice(0, k)));
        expect(await values.array()).toEqual(data.map((row, b) => order[b]?.slice(0, k).map((i) => row[i])));
        tf.dispose([x, values, indices]);
      });
    }),
    { numRuns: 50 },
  );
});

test('a NaN comes last, after −∞', async () => {
  const x = tf.tensor1d([NaN, -Infinity, 1, NaN, Infinity]);
  const { values, indices } = tf.topk(x, 5);
  expect([...(await indices.data())]).toEqual([4, 2, 1, 0, 3]);
  expect([...(await values.data())]).toEqual([Infinity, 1, -Infinity, NaN, NaN]);
  tf.dispose([x, values, indices]);
});
