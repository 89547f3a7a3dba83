import { expectAllClose, expectNoLeak } from '@bag/testing';
import { crossEntropy } from '@bag/ops';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { noise } from './fixtures/noise.js';
import { checkEachTest } from './fixtures/onednn.js';
import { memory } from './index.js';

checkEachTest();

interface Targets {
  smoothing: number;
  spread?: 'all' | 'others';
}

/** The loss of one row and its gradient, in double precision, from the definition. */
function reference(z: number[], p: number[], { smoothing, spread = 'all' }: Targets): { loss: number; dz: number[] } {
  const classes = z.length;
  const largest = Math.max(...z);
  const logSum = Math.log(z.reduce((sum, v) => sum + Math.exp(v - largest), 0));
  const q = p.map((v) =>
    spread === 'all'
      ? (1 - smoothing) * v + smoothing / classes
      : (1 - smoothing) * v + (smoothing * (1 - v)) / (classes - 1),
  );
  const mass = q.reduce((a, b) => a + b, 0);
  return {
    loss: q.reduce((sum, v, k) => (v === 0 ? sum : sum + v * (logSum - ((z[k] as number) - largest))), 0),
    dz: q.map((v, k) => mass * Math.exp((z[k] as number) - largest - logSum) - v),
  };
}

async function lossAndGradient(logits: tf.Tensor2D, labels: tf.Tensor1D | tf.Tensor2D, options: Targets, dy: number[]) {
  return expectNoLeak(async () => {
    const f = (z: tf.Tensor) => crossEntropy({ logits: z as tf.Tensor2D, labels, ...options });
    const loss = f(logits);
    const weights = tf.tensor1d(dy);
    const gradient = tf.grad(f)(logits, weights);
    const result = { loss: await loss.data(), dz: await gradient.data() };
    tf.dispose([loss, weights, gradient]);
    return result;
  });
}

describe.each([1, 30, 10_000])('of logits to ±%d', (scale) => {
  test.each([
    [5, 1],
    [3, 2],
    [4, 8],
    [7, 13],
    [40, 1000],
  ])('%d rows of %d classes equal the definition', async (batch, classes) => {
    const z = Array.from(noise(batch * classes, 1, 0, scale));
    const logits = tf.tensor2d(z, [batch, classes]);
    const numbers = Array.from({ length: batch }, (_, i) => (i * 5) % classes);
    const hard = tf.tensor1d(numbers, 'int32');
    const p = Array.from(noise(batch * classes, 2), (v) => Math.max(0, v));
    const soft = tf.tensor2d(p, [batch, classes]);
    const dy = numbers.map((_, i) => (i % 5) - 1.5);
    for (const labels of [hard, soft]) {
      for (const options of [
        { smoothing: 0 },
        { smoothing: 0.1 },
        ...(classes > 1 ? [{ smoothing: 0.25, spread: 'others' as const }] : []),
      ]) {
        const actual = await lossAndGradient(logits, labels, options, dy);
        const expected = numbers.map((label, i) => {
          const given = p.slice(i * classes, (i + 1) * classes);
          const onehot = given.map((_, k) => Number(k === label));
          return reference(z.slice(i * classes, (i + 1) * classes), labels === hard ? onehot : given, options);
        });
        const mass = labels === hard ? 1 : classes;
        expectAllClose(
          actual.loss,
          expected.map(({ loss }) => loss),
          { relative: 3e-7, absolute: 3e-7 },
        );
        expectAllClose(
          actual.dz,
          expected.flatMap(({ dz }, i) => dz.map((v) => v * (dy[i] as number))),
          { relative: 2e-6, absolute: 3e-7 * mass },
        );
      }
    }
    tf.dispose([logits, hard, soft]);
  });
});

test('a label that is no class makes its row NaN, and no other', async () => {
  const logits = tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [4, 2]);
  const labels = tf.tensor1d([2, 0, -1, 1], 'int32');
  for (const smoothing of [0, 0.1]) {
    const { loss, dz } = await lossAndGradient(logits, labels, { smoothing }, [1, 1, 1, 1]);
    expect([...loss].map(Number.isNaN)).toEqual([true, false, true, false]);
    expect([...dz].map(Number.isNaN)).toEqual([true, true, false, false, true, true, false, false]);
  }
  tf.dispose([logits, labels]);
});

test('a class of target 0 costs nothing, however impossible; one that counts makes the loss infinite', async () => {
  const logits = tf.tensor2d([-Infinity, 0, 0], [1, 3]);
  const soft = tf.tensor2d([0, 1, 0], [1, 3]);
  const hard = tf.tensor1d([1], 'int32');
  for (const labels of [soft, hard]) {
    const { loss, dz } = await lossAndGradient(logits, labels, { smoothing: 0 }, [1]);
    expectAllClose(loss, [Math.LN2], { relative: 1e-7 });
    expectAllClose(dz, [0, -0.5, 0.5], { relative: 1e-7 });
    expectAllClose((await lossAndGradient(logits, labels, { smoothing: 0.1 }, [1])).loss, [Infinity]);
  }
  const impossible = tf.tensor1d([0], 'int32');
  expectAllClose((await lossAndGradient(logits, impossible, { smoothing: 0 }, [1])).loss, [Infinity]);
  tf.dispose([logits, soft, hard, impossible]);
});

test('a NaN among the logits spoils its row alone', async () => {
  const logits = tf.tensor2d([0, NaN, 0, 0], [2, 2]);
  const labels = tf.tensor1d([0, 0], 'int32');
  const { loss, dz } = await lossAndGradient(logits, labels, { smoothing: 0 }, [1, 1]);
  expectAllClose(loss, [NaN, Math.LN2], { relative: 1e-7 });
  expectAllClose(dz, [NaN, NaN, -0.5, 0.5], { relative: 1e-7 });
  tf.dispose([logits, labels]);
});

test('no rows at all', async () => {
  const logits = tf.zeros<tf.Rank.R2>([0, 3]);
  const labels = tf.zeros<tf.Rank.R1>([0], 'int32');
  expect((await lossAndGradient(logits, labels, { smoothing: 0 }, [])).loss).toHaveLength(0);
  tf.dispose([logits, labels]);
});

test('labels that do not fit are refused by the kernel too', () => {
  const logits = tf.zeros([2, 3]);
  const labels = tf.zeros([3], 'int32');
  const before = memory().blocksInUse;
  expect(() => tf.engine().runKernel('BagCrossEntropy', { logits, labels }, { smoothing: 0, spread: 'all' })).toThrow(
    'CrossEntropy: expected one class number for each row',
  );
  // The labels themselves went to native memory meanwhile, if they were not there.
  expect(memory().blocksInUse - before).toBeLessThanOrEqual(2);
  tf.dispose([logits, labels]);
});
