import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as all from './index.js';

const schedules: Record<string, all.Schedule> = {
  constant: all.constant(0.1),
  linear: all.linear({ from: 0.1, to: 0.2, steps: 50 }),
  cosine: all.cosine({ from: 0.1, steps: 50 }),
  cosineRestarts: all.cosineRestarts({ from: 0.1, steps: 7, multiplier: 3 }),
  exponentialDecay: all.exponentialDecay({ rate: 0.1, every: 7 }),
  linearWarmup: all.linearWarmup({ peak: 0.1, steps: 50 }),
  oneCycle: all.oneCycle({ peak: 0.1, totalSteps: 60 }),
  polynomial: all.polynomial({ from: 0.1, steps: 50, power: 2 }),
  stepDecay: all.stepDecay({ rate: 0.1, boundaries: [10, 30] }),
  warmupCosine: all.warmupCosine({ peak: 0.1, warmupSteps: 9, totalSteps: 70 }),
  join: all.join([all.constant(0.1), all.cosine({ from: 0.1, steps: 9 })], [5]),
  scale: all.scale(all.cosine({ from: 0.1, steps: 9 }), 2),
};
const numbers = ['epochsToSteps', 'linearScaling', 'stepsPerEpoch', 'stepsToEpochs'];

test('the table is complete', () => {
  expect([...Object.keys(schedules), ...numbers].sort()).toEqual(Object.keys(all).sort());
});

describe.each(Object.entries(schedules))('%s', (name, schedule) => {
  test('finite, not negative, and independent of the order of calls', () => {
    const forward = Array.from({ length: 200 }, (_, i) => schedule(i));
    expect(forward.every((rate) => Number.isFinite(rate) && rate >= 0)).toBe(true);
    fc.assert(
      fc.property(fc.nat(199), (step) => {
        expect(schedule(step)).toBe(forward[step]);
      }),
    );
    expect(schedule(1e9)).toBeGreaterThanOrEqual(0);
  });

  test.each([-1, NaN, Infinity])('refuses step %s', (step) => {
    expect(() => schedule(step)).toThrow(RangeError);
    // A schedule made of parts is refused by `join`.
    expect(() => schedule(step)).toThrow(new RegExp(`^(${name}|join): expected finite step >= 0, got`));
  });
});

/** What is wrong, and the part of the message that names it. */
const mistakes: [string, () => unknown][] = [
  ['constant: expected finite rate >= 0, got NaN', () => all.constant(NaN)],
  ['linear: expected finite from >= 0, got -1', () => all.linear({ from: -1, to: 0, steps: 5 })],
  ['linear: expected finite to >= 0, got Infinity', () => all.linear({ from: 1, to: Infinity, steps: 5 })],
  ['cosine: expected integer steps >= 0, got 1.5', () => all.cosine({ from: 1, steps: 1.5 })],
  ['cosine: expected integer steps >= 0, got -1', () => all.cosine({ from: 1, steps: -1 })],
  ['cosine: expected integer steps >= 0, got NaN', () => all.cosine({ from: 1, steps: NaN })],
  ['cosine: expected integer steps >= 0, got 5', () => all.cosine({ from: 1, steps: '5' as unknown as number })],
  ['cosine: expected finite from >= 0, got undefined', () => all.cosine({ steps: 5 } as all.CosineOptions)],
  ['cosineRestarts: expected integer steps >= 1, got 0', () => all.cosineRestarts({ from: 1, steps: 0 })],
  [
    'cosineRestarts: expected integer multiplier >= 1, got 1.5',
    () => all.cosineRestarts({ from: 1, steps: 2, multiplier: 1.5 }),
  ],
  ['exponentialDecay: expected integer every >= 1, got 0', () => all.exponentialDecay({ rate: 1, every: 0 })],
  ['linearWarmup: expected finite peak >= 0, got -0.1', () => all.linearWarmup({ peak: -0.1, steps: 5 })],
  ['oneCycle: expected integer totalSteps >= 1, got 0', () => all.oneCycle({ peak: 1, totalSteps: 0 })],
  [
    'oneCycle: expected finite steps after warmup >= 0, got -5',
    () => all.oneCycle({ peak: 1, totalSteps: 10, warmupFraction: 1.5 }),
  ],
  [
    'oneCycle: expected finite steps after warmup >= 0, got -2',
    () => all.oneCycle({ peak: 1, totalSteps: 10, warmupFraction: 0.6, threePhase: true }),
  ],
  [
    'oneCycle: expected finite last rate >= 0, got Infinity',
    () => all.oneCycle({ peak: 1, totalSteps: 10, divFactor: 0 }),
  ],
  ['polynomial: expected finite power >= 0, got -1', () => all.polynomial({ from: 1, steps: 5, power: -1 })],
  ['scale: expected finite factor >= 0, got -1', () => all.scale(all.constant(1), -1)],
  ['join: expected 1 boundaries, got 2', () => all.join([all.constant(1), all.constant(2)], [1, 2])],
  ['stepDecay: expected finite factor >= 0, got NaN', () => all.stepDecay({ rate: 1, boundaries: [3], factor: NaN })],
  ['join: expected integer boundaries[1] >= 9, got 3', () => all.stepDecay({ rate: 1, boundaries: [9, 3] })],
  ['join: expected integer boundaries[0] >= 0, got 0.5', () => all.stepDecay({ rate: 1, boundaries: [0.5] })],
  [
    'warmupCosine: expected integer warmupSteps >= 0, got 2.5',
    () => all.warmupCosine({ peak: 1, warmupSteps: 2.5, totalSteps: 9 }),
  ],
  [
    'warmupCosine: expected finite final >= 0, got -1',
    () => all.warmupCosine({ peak: 1, warmupSteps: 2, totalSteps: 9, final: -1 }),
  ],
  ['linearScaling: expected integer batch >= 1, got 0', () => all.linearScaling({ batch: 0 })],
  ['stepsPerEpoch: expected integer batch >= 1, got 0.5', () => all.stepsPerEpoch({ examples: 5, batch: 0.5 })],
  [
    'stepsPerEpoch: expected integer examples / batch >= 1, got 0',
    () => all.stepsPerEpoch({ examples: 5, batch: 9, dropLast: true }),
  ],
  ['epochsToSteps: expected finite epochs >= 0, got -1', () => all.epochsToSteps({ epochs: -1, stepsPerEpoch: 5 })],
  [
    'stepsToEpochs: expected integer stepsPerEpoch >= 1, got 0',
    () => all.stepsToEpochs({ steps: 1, stepsPerEpoch: 0 }),
  ],
];

test.each(mistakes)('%s', (message, make) => {
  expect(make).toThrow(RangeError);
  expect(make).toThrow(message);
});
