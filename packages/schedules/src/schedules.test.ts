import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  constant,
  cosine,
  cosineRestarts,
  epochsToSteps,
  exponentialDecay,
  join,
  linear,
  linearScaling,
  linearWarmup,
  oneCycle,
  polynomial,
  scale,
  type Schedule,
  stepDecay,
  stepsPerEpoch,
  stepsToEpochs,
  warmupCosine,
} from './index.js';

const rate = fc.double({ min: 1e-6, max: 10, noNaN: true });
const steps = fc.integer({ min: 1, max: 5000 });
const range = (length: number) => Array.from({ length }, (_, i) => i);

describe('linearWarmup', () => {
  test("the official code's logged rate: base 0.4, 6255 steps, i = 49 (from 1) is 0.003133", () => {
    expect(linearWarmup({ peak: 0.4, steps: 6255 })(48)).toBeCloseTo(0.003133, 6);
    expect(warmupCosine({ peak: 0.4, warmupSteps: 6255, totalSteps: 150120 })(48)).toBeCloseTo(0.003133, 6);
  });

  test('the first update has a rate, update m − 1 has the peak exactly, none exceeds it', () => {
    fc.assert(
      fc.property(rate, steps, (peak, m) => {
        const warmup = linearWarmup({ peak, steps: m });
        expect(warmup(0)).toBeCloseTo(peak / m, 12);
        expect(warmup(m - 1)).toBe(peak);
        expect(warmup(m + 7)).toBe(peak);
        expect(range(Math.min(m, 50)).every((t) => warmup(t) > 0 && warmup(t) <= peak)).toBe(true);
      }),
    );
  });

  test('no warmup is the peak at once', () => {
    expect(linearWarmup({ peak: 0.4, steps: 0 })(0)).toBe(0.4);
  });
});

describe('the ends', () => {
  test.each<[string, (from: number, to: number, steps: number) => Schedule]>([
    ['linear', (from, to, n) => linear({ from, to, steps: n })],
    ['cosine', (from, to, n) => cosine({ from, to, steps: n })],
    ['polynomial', (from, to, n) => polynomial({ from, to, steps: n, power: 0.9 })],
  ])('%s is exact at both, stays there, and goes one way in between', (_name, make) => {
    fc.assert(
      fc.property(rate, rate, steps, (a, b, n) => {
        const [from, to] = a >= b ? [a, b] : [b, a];
        const schedule = make(from, to, n);
        expect(schedule(0)).toBe(from);
        expect(schedule(n)).toBe(to);
        expect(schedule(n + 1000)).toBe(to);
        const values = range(Math.min(n, 60) + 1).map(schedule);
        // The two products of an interpolation round on their own, hence the last digits.
        values.forEach((value, i) => {
          if (i > 0) expect(value).toBeLessThanOrEqual((values[i - 1] as number) * (1 + 1e-14));
        });
      }),
    );
  });

  test('zero steps are the end at once', () => {
    expect(cosine({ from: 1, to: 0.25, steps: 0 })(0)).toBe(0.25);
  });
});

describe('warmupCosine', () => {
  test('by hand: η = 0.8, m = 4, T = 12', () => {
    const schedule = warmupCosine({ peak: 0.8, warmupSteps: 4, totalSteps: 12 });
    expect(range(5).map(schedule)).toEqual([0.2, 0.4, 0.8 * 0.75, 0.8, 0.8]);
    expect(schedule(6)).toBeCloseTo(0.4 * (1 + Math.SQRT1_2), 12); // ½(1 + cos π/4)·0.8
    expect(schedule(8)).toBeCloseTo(0.4, 12);
    expect(schedule(11)).toBeGreaterThan(0);
    expect(schedule(12)).toBe(0);
    expect(schedule(1000)).toBe(0);
  });

  test('peak at m − 1 and m, minimum exactly at T, and never a jump larger than its slopes allow', () => {
    fc.assert(
      fc.property(rate, fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 800 }), (peak, m, rest) => {
        const final = peak / 100;
        const schedule = warmupCosine({ peak, warmupSteps: m, totalSteps: m + rest, final });
        if (m > 0) expect(schedule(m - 1)).toBe(peak);
        expect(schedule(m)).toBe(peak);
        expect(schedule(m + rest)).toBe(final);
        const values = range(m + rest + 3).map(schedule);
        const steepest = Math.max(m > 0 ? 1 / m : 0, Math.PI / 2 / rest) * peak;
        values.forEach((value, t) => {
          expect(value).toBeGreaterThanOrEqual(t < m ? peak / m - 1e-12 : final - 1e-12);
          if (t > 0) expect(Math.abs(value - (values[t - 1] as number))).toBeLessThanOrEqual(steepest * (1 + 1e-9));
        });
      }),
      { numRuns: 50 },
    );
  });

  test('a run that is all warmup reaches the peak, then stops', () => {
    const schedule = warmupCosine({ peak: 1, warmupSteps: 4, totalSteps: 4 });
    expect([3, 4].map(schedule)).toEqual([1, 0]);
  });

  test('a warmup longer than the run is refused', () => {
    expect(() => warmupCosine({ peak: 1, warmupSteps: 10, totalSteps: 5 })).toThrow(
      'warmupCosine: expected integer totalSteps - warmupSteps >= 0, got -5',
    );
  });
});

test('stepDecay divides at each boundary', () => {
  const schedule = stepDecay({ rate: 0.1, boundaries: [30, 60, 90] });
  expect([0, 29].map(schedule)).toEqual([0.1, 0.1]);
  [30, 59, 60, 89, 90, 500].forEach((step, i) => {
    expect(schedule(step)).toBeCloseTo(0.1 * 10 ** -(1 + Math.floor(i / 2)), 15);
  });
  expect(stepDecay({ rate: 0.1, boundaries: [] })(7)).toBe(0.1);
});

test('exponentialDecay in stairs and smooth', () => {
  expect([0, 1, 2, 5].map(exponentialDecay({ rate: 1, every: 2 }))).toEqual([1, 1, 0.94, 0.94 ** 2]);
  expect(exponentialDecay({ rate: 1, factor: 0.25, every: 2, staircase: false })(1)).toBe(0.5);
});

describe('cosineRestarts', () => {
  test('restarts exactly at T₀·(mᵏ − 1)/(m − 1)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 4 }), (first, multiplier) => {
        const schedule = cosineRestarts({ from: 0.3, to: 0.1, steps: first, multiplier });
        let start = 0;
        let length = first;
        for (let k = 0; k < 8; k++) {
          expect(schedule(start)).toBe(0.3);
          expect(schedule(start + length / 2)).toBeCloseTo(0.2, 12);
          start += length;
          length *= multiplier;
        }
      }),
    );
  });

  test('answers at once far into a run of equal cycles', () => {
    expect(cosineRestarts({ from: 1, steps: 10 })(1e12 + 5)).toBeCloseTo(0.5, 12);
  });
});

describe('oneCycle', () => {
  test('any length: within its rates, peak reached, last update at the minimum, constant after', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        fc.boolean(),
        (n, f, three) => {
          const schedule = oneCycle({ peak: 1, totalSteps: n, warmupFraction: f, threePhase: three });
          const values = range(n).map(schedule);
          expect(values.every((value) => value >= 0.04 / 1e4 - 1e-15 && value <= 1)).toBe(true);
          expect(schedule(n - 1)).toBe(0.04 / 1e4);
          expect(schedule(n + 100)).toBe(0.04 / 1e4);
        },
      ),
    );
  });
});

describe('join', () => {
  test('each part sees its own step from 0', () => {
    const seen: [string, number][] = [];
    const spy = (name: string) => (step: number) => {
      seen.push([name, step]);
      return 0;
    };
    const schedule = join([spy('a'), spy('b'), spy('c')], [2, 5]);
    [0, 1, 2, 4, 5, 9].forEach((step) => schedule(step));
    expect(seen).toEqual([
      ['a', 0],
      ['a', 1],
      ['b', 0],
      ['b', 2],
      ['c', 0],
      ['c', 4],
    ]);
  });

  test('equal boundaries make an empty part; later changes of the arrays change nothing', () => {
    const parts = [constant(1), constant(2), constant(3)];
    const boundaries = [0, 0];
    const schedule = join(parts, boundaries);
    expect(schedule(0)).toBe(3);
    boundaries[1] = 100;
    parts[2] = constant(9);
    expect(schedule(0)).toBe(3);
  });
});

test('scale multiplies', () => {
  expect(scale(linear({ from: 1, to: 0, steps: 4 }), 0.5)(1)).toBe(0.375);
});

describe('numbers beside the schedules', () => {
  test('linear scaling: 0.1·b/256', () => {
    expect([256, 1024, 32].map((batch) => linearScaling({ batch }))).toEqual([0.1, 0.4, 0.0125]);
    expect(linearScaling({ baseRate: 0.05, baseBatch: 128, batch: 256 })).toBe(0.1);
  });

  test('steps and epochs: ImageNet at batch 1024, five epochs of 1251 steps are the 6255 of the log', () => {
    expect(stepsPerEpoch({ examples: 1281167, batch: 1024 })).toBe(1252);
    expect(stepsPerEpoch({ examples: 1281167, batch: 1024, dropLast: true })).toBe(1251);
    expect(stepsPerEpoch({ examples: 10, batch: 64 })).toBe(1);
    expect(epochsToSteps({ epochs: 5, stepsPerEpoch: 1251 })).toBe(6255);
    expect(epochsToSteps({ epochs: 0.1, stepsPerEpoch: 30 })).toBe(3);
    expect(stepsToEpochs({ steps: 6255, stepsPerEpoch: 1251 })).toBe(5);
  });

  test('there and back', () => {
    fc.assert(
      fc.property(fc.nat(1e6), steps, (n, perEpoch) => {
        expect(
          epochsToSteps({ epochs: stepsToEpochs({ steps: n, stepsPerEpoch: perEpoch }), stepsPerEpoch: perEpoch }),
        ).toBe(n);
      }),
    );
  });
});
