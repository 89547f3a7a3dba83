import { describeOnBackends, expectAllClose, expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { symmetricBeta } from './beta.js';
import { cutmix, mixup, noBiasDecay, smoothLabels } from './index.js';

/** Park and Miller's generator. */
function lehmer(seed = 1): () => number {
  let state = seed;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
}
const values = async (tensor: tf.Tensor) => [...(await tensor.data())];
const integers = (labels: number[]) => tf.tensor1d(labels, 'int32');
const images = (batch: number, size = 2) =>
  tf.tensor4d(
    Array.from({ length: batch * size * size }, (_, i) => i),
    [batch, size, size, 1],
  );

describeOnBackends('smoothLabels', () => {
  test.each([
    // By hand: 1 − 0.1 + 0.1/5 = 0.92 and 0.02; the paper's form 0.9 and 0.1/4.
    ['all' as const, [0.02, 0.02, 0.92, 0.02, 0.02]],
    ['others' as const, [0.025, 0.025, 0.9, 0.025, 0.025]],
  ])('spread %s: integer and one-hot labels alike', async (spread, expected) => {
    const oneHot = tf.tensor2d([[0, 0, 1, 0, 0]]);
    for (const labels of [integers([2]), oneHot]) {
      const smooth = await expectNoLeak(() => smoothLabels(labels, { epsilon: 0.1, classes: 5, spread }), 1);
      expectAllClose(await values(smooth), expected, { absolute: 1e-7 });
      tf.dispose([smooth, labels]);
    }
  });

  test('soft labels: before or after mixing is the same', async () => {
    const [a, b] = [tf.tensor2d([[1, 0, 0]]), tf.tensor2d([[0, 0, 1]])];
    for (const spread of ['all', 'others'] as const) {
      const options = { epsilon: 0.3, spread };
      const mix = (x: tf.Tensor2D, y: tf.Tensor2D) => tf.add<tf.Tensor2D>(tf.mul(x, 0.7), tf.mul(y, 0.3));
      const after = tf.tidy(() => smoothLabels(mix(a, b), options));
      const before = tf.tidy(() => mix(smoothLabels(a, options), smoothLabels(b, options)));
      expectAllClose(await values(after), await values(before), { absolute: 1e-6 });
      tf.dispose([after, before]);
    }
    tf.dispose([a, b]);
  });
});

describeOnBackends('mixup', () => {
  test('by hand, with λ = 0.75 for the batch', async () => {
    const x = tf.tensor4d([0, 4, 8], [3, 1, 1, 1]);
    const labels = integers([0, 1, 2]);
    // α = 1 and Jöhnk's method: λ = (1 − u₁)/((1 − u₁) + (1 − u₂)) = 0.3/(0.3 + 0.1).
    const draws = [0.7, 0.9];
    const mixed = await expectNoLeak(
      () => mixup({ images: x, labels }, { alpha: 1, random: () => draws.shift() as number, classes: 3 }),
      4,
    );
    expect(mixed.lambda).toBeCloseTo(0.75, 12);
    expectAllClose(await values(mixed.images), [2, 4, 6], { absolute: 1e-6 });
    expectAllClose(await values(mixed.softLabels), [0.75, 0, 0.25, 0, 1, 0, 0.25, 0, 0.75], { absolute: 1e-6 });
    tf.dispose([x, labels, mixed.images, mixed.labels, mixed.partnerLabels, mixed.softLabels]);
  });

  test('a given λ is taken as it is, and draws nothing', async () => {
    const x = tf.tensor4d([0, 4], [2, 1, 1, 1]);
    const labels = integers([0, 1]);
    const random = () => expect.unreachable();
    for (const [lambda, expected] of [
      [0.75, [1, 3]],
      [1, [0, 4]],
      [0, [4, 0]],
    ] as const) {
      const mixed = await expectNoLeak(() => mixup({ images: x, labels }, { lambda, random }), 3);
      expect(mixed.lambda).toBe(lambda);
      expect(await values(mixed.images)).toEqual(expected);
      tf.dispose([mixed.images, mixed.labels, mixed.partnerLabels]);
    }
    tf.dispose([x, labels]);
  });

  test.each(['batch', 'pair', 'element'] as const)('any batch size, λ per %s; labels are conserved', async (per) => {
    const options = fc.record({ batch: fc.integer({ min: 1, max: 7 }), seed: fc.integer({ min: 1, max: 1000 }) });
    await fc.assert(
      fc.asyncProperty(options, async ({ batch, seed }) => {
        const x = images(batch);
        const labels = integers(Array.from({ length: batch }, (_, i) => i));
        const mixed = mixup({ images: x, labels }, { alpha: 0.2, per, random: lehmer(seed) });
        const { lambda } = mixed;
        const at = (i: number) => (typeof lambda === 'number' ? lambda : (lambda[i] as number));
        const before = await values(x);
        const after = await values(mixed.images);
        for (let i = 0; i < batch; i++) {
          const j = batch - 1 - i;
          if (per === 'pair') expect(at(i)).toBe(at(j));
          for (let k = 0; k < 4; k++) {
            const expected = at(i) * (before[i * 4 + k] as number) + (1 - at(i)) * (before[j * 4 + k] as number);
            expectAllClose([after[i * 4 + k] as number], [expected], { absolute: 1e-5 });
          }
        }
        expect(await values(mixed.labels)).toEqual(Array.from({ length: batch }, (_, i) => i));
        expect(await values(mixed.partnerLabels)).toEqual(Array.from({ length: batch }, (_, i) => batch - 1 - i));
        expect(mixed.labels.dtype).toBe('int32');
        tf.dispose([x, labels, mixed.images, mixed.labels, mixed.partnerLabels]);
      }),
      { numRuns: 15 },
    );
  });
});

describeOnBackends('cutmix', () => {
  test('λ is the share of pixels that are one’s own, clipped boxes included', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 10_000 }), async (seed) => {
        const x = tf.tidy(() => tf.concat([tf.zeros<tf.Rank.R4>([1, 6, 9, 2]), tf.ones<tf.Rank.R4>([1, 6, 9, 2])]));
        const labels = integers([0, 1]);
        const mixed = cutmix({ images: x, labels }, { random: lehmer(seed) });
        const after = await values(mixed.images);
        const foreign = after.slice(0, 108).reduce((a, b) => a + b, 0) / 108;
        expect(1 - foreign).toBeCloseTo(mixed.lambda as number, 12);
        expect(await values(mixed.partnerLabels)).toEqual([1, 0]);
        tf.dispose([x, labels, mixed.images, mixed.labels, mixed.partnerLabels]);
      }),
      { numRuns: 25 },
    );
  });
});

describe('Beta(α, α)', () => {
  test.each([0.05, 0.2, 1, 2, 8])('α = %d: mean 1/2, variance 1/(4(2α + 1)), never NaN', (alpha) => {
    const n = 20_000;
    const random = lehmer(7);
    const draws = Array.from({ length: n }, () => symmetricBeta(alpha, random));
    const mean = draws.reduce((a, b) => a + b, 0) / n;
    const variance = draws.reduce((a, b) => a + (b - 0.5) ** 2, 0) / n;
    const expected = 1 / (4 * (2 * alpha + 1));
    expect(Math.abs(mean - 0.5)).toBeLessThan((5 * Math.sqrt(expected)) / Math.sqrt(n));
    expect(Math.abs(variance - expected)).toBeLessThan((5 * 0.25) / Math.sqrt(n));
  });
});

describe('noBiasDecay', () => {
  const names = ([weights, rest]: [{ parameters: { name: string }[] }, { parameters: { name: string }[] }]) => [
    weights.parameters.map(({ name }) => name),
    rest.parameters.map(({ name }) => name),
  ];

  test('by role', () => {
    const parameters = [
      { name: 'conv', role: 'weight', shape: [3, 3, 4, 4] },
      { name: 'bias', role: 'bias', shape: [4] },
      { name: 'gamma', role: 'gamma', shape: [4] },
      { name: 'beta', role: 'beta', shape: [4] },
      { name: 'mean', role: 'runningMean', shape: [4] },
      { name: 'vector weight', role: 'weight', shape: [4] },
    ];
    const groups = noBiasDecay(parameters, { weightDecay: 1e-4 });
    expect(names(groups)).toEqual([
      ['conv', 'vector weight'],
      ['bias', 'gamma', 'beta'],
    ]);
    expect(groups.map(({ weightDecay }) => weightDecay)).toEqual([1e-4, 0]);
  });

  test('by rank where no role is known', () => {
    const groups = noBiasDecay(
      [
        { name: 'kernel', shape: [4, 4] },
        { name: 'other', role: 'attention', shape: [4, 4] },
        { name: 'scale', shape: [4] },
      ],
      { weightDecay: 1 },
    );
    expect(names(groups)).toEqual([['kernel', 'other'], ['scale']]);
  });
});

describe('errors name the culprit and the fix', () => {
  const random = Math.random;
  test.each([
    [
      () => smoothLabels(integers([1]), { epsilon: 0.1 }),
      'smoothLabels: expected labels of shape [batch, classes], got [1]; pass `classes` for integer labels',
    ],
    [() => smoothLabels(integers([1]), { epsilon: 1, classes: 3 }), 'smoothLabels: expected epsilon in [0, 1), got 1'],
    [() => smoothLabels(tf.tensor1d([1]), { epsilon: 0.1 }), 'got [1] float32'],
    [
      () => mixup({ images: images(2), labels: integers([1]) }, { random }),
      'mixup: expected images of shape [1, height',
    ],
    [
      () => mixup({ images: images(2), labels: integers([1, 2]) }, { alpha: -1, random }),
      'mixup: expected alpha ≥ 0 and finite, got -1',
    ],
    [
      () => cutmix({ images: images(2), labels: integers([1, 2]) }, { alpha: NaN, random }),
      'cutmix: expected alpha ≥ 0',
    ],
    [
      () => mixup({ images: images(2), labels: integers([1, 2]) }, { lambda: 1.5, random }),
      'mixup: expected lambda in [0, 1], got 1.5',
    ],
    [
      () => smoothLabels(tf.zeros<tf.Rank.R2>([2, 4]), { epsilon: 0.1, classes: 10 }),
      'smoothLabels: expected labels of shape [batch, 10] for 10 classes, got 4 columns',
    ],
    [() => noBiasDecay([], { weightDecay: -1 }), 'noBiasDecay: expected weightDecay ≥ 0 and finite, got -1'],
  ])('%#', (f, message) => {
    expect(f).toThrow(message);
  });
});

test('labels that are refused leave nothing behind', async () => {
  await expectNoLeak(() => {
    const x = tf.zeros<tf.Rank.R4>([2, 2, 2, 1]);
    const labels = tf.zeros<tf.Rank.R2>([2, 4]);
    for (const mix of [mixup, cutmix]) {
      expect(() => mix({ images: x, labels }, { alpha: 0.2, random: lehmer(1), classes: 10 })).toThrow();
      expect(() => mix({ images: x, labels }, { alpha: 0, random: lehmer(1), classes: 10 })).toThrow();
    }
    tf.dispose([x, labels]);
  });
});
