import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { philox4x32 } from './philox.js';
import { createRandom } from './random.js';

const draw = (n: number, f: () => number) => Array.from({ length: n }, f);
const mean = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
const variance = (values: number[]) => {
  const center = mean(values);
  return mean(values.map((v) => (v - center) ** 2));
};

describe('streams', () => {
  test('are 53 bits of the block (counter, FNV-1a of the purpose, epoch, index) under the seed', () => {
    // FNV-1a of 'a' is published as 0xe40c292c.
    const [w0, w1, w2, w3] = philox4x32([0, 0xe40c292c, 2, 3], [5, 1]);
    const random = createRandom({ seed: 2 ** 32 + 5, purpose: 'a', epoch: 2, index: 3 });
    const bits = (high: number, low: number) =>
      Number((BigInt(high) >> 5n) * 2n ** 26n + (BigInt(low) >> 6n)) / 2 ** 53;
    expect([random(), random()]).toEqual([bits(w0, w1), bits(w2, w3)]);
  });

  test('depend on each of seed, purpose, epoch and index, and on nothing else', () => {
    const whole = fc.nat(0xffffffff);
    const options = fc.record({ seed: fc.maxSafeNat(), purpose: fc.string(), epoch: whole, index: whole });
    fc.assert(
      fc.property(options, (o) => {
        const first = draw(5, createRandom(o));
        createRandom({ ...o, purpose: 'another' })();
        expect(draw(5, createRandom(o))).toEqual(first);
        for (const other of [
          { ...o, seed: o.seed === 0 ? 1 : o.seed - 1 },
          { ...o, purpose: `${o.purpose}x` },
          { ...o, epoch: o.epoch === 0 ? 1 : o.epoch - 1 },
          { ...o, index: o.index === 0 ? 1 : o.index - 1 },
        ]) {
          expect(draw(5, createRandom(other))).not.toEqual(first);
        }
      }),
    );
  });

  test('seeds of more than 32 bits count whole', () => {
    expect(createRandom({ seed: 2 ** 32 + 5, purpose: 'a' })()).not.toBe(createRandom({ seed: 5, purpose: 'a' })());
  });

  test.each([{ seed: -1 }, { seed: 0.5 }, { seed: NaN }, { seed: 1, epoch: -1 }, { seed: 1, index: 2 ** 32 }])(
    'refuses %j',
    (wrong) => {
      expect(() => createRandom({ purpose: 'a', ...wrong })).toThrow(
        /createRandom: expected a whole (seed|epoch|index)/,
      );
    },
  );
});

describe('distributions', () => {
  const n = 40_000;
  // Standard errors at n: five of them, so that a right generator never fails and a wrong one always does.
  const within = (actual: number, expected: number, deviation: number) => {
    expect(Math.abs(actual - expected)).toBeLessThan((5 * deviation) / Math.sqrt(n));
  };

  test('uniform: mean 1/2, variance 1/12, in [0, 1)', () => {
    const values = draw(n, createRandom({ seed: 3, purpose: 'uniform' }));
    within(mean(values), 0.5, Math.sqrt(1 / 12));
    within(variance(values), 1 / 12, Math.sqrt(1 / 180));
    expect(values.every((v) => v >= 0 && v < 1)).toBe(true);
  });

  test('normal: mean 0, variance 1, fourth moment 3', () => {
    const values = draw(n, createRandom({ seed: 3, purpose: 'normal' }).normal);
    within(mean(values), 0, 1);
    within(variance(values), 1, Math.sqrt(2));
    within(mean(values.map((v) => v ** 4)), 3, Math.sqrt(96));
  });

  test.each([
    [0.2, 0.2],
    [1, 1],
    [0.5, 0.1],
    [2, 5],
    [0.3, 4],
    [1e-3, 1e-3],
  ])('Beta(%d, %d): its mean and variance, never NaN', (alpha, beta) => {
    const random = createRandom({ seed: 3, purpose: 'beta' });
    const values = draw(n, () => random.beta(alpha, beta));
    const sum = alpha + beta;
    const expectedVariance = (alpha * beta) / (sum ** 2 * (sum + 1));
    expect(values.every((v) => v >= 0 && v <= 1)).toBe(true);
    within(mean(values), alpha / sum, Math.sqrt(expectedVariance));
    // The spread of squares about the mean is at most that of a coin's.
    within(variance(values), expectedVariance, Math.sqrt(expectedVariance) * 0.5 + 1e-3);
  });

  test.each([0, -1, NaN, Infinity])('Beta refuses α = %d', (alpha) => {
    expect(() => createRandom({ seed: 3, purpose: 'beta' }).beta(alpha)).toThrow('expected alpha > 0');
  });

  test('integer: every value of {0, …, n − 1} equally often', () => {
    const random = createRandom({ seed: 3, purpose: 'integer' });
    const counts = new Array<number>(8).fill(0);
    for (let i = 0; i < n; i++) {
      const value = random.integer(8);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    for (const count of counts) within(count / n, 1 / 8, Math.sqrt(7) / 8);
    expect(() => random.integer(0)).toThrow('expected a whole n ≥ 1, got 0');
  });

  test('permutation: each of the 3! equally often, and each element once', () => {
    const counts = new Map<string, number>();
    for (let index = 0; index < 6000; index++) {
      const order = createRandom({ seed: 3, purpose: 'permutation', index }).permutation(3).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt((6000 * 5) / 36));
    const large = createRandom({ seed: 3, purpose: 'permutation' }).permutation(1000);
    expect([...large].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });
});
