import { expectAllClose } from '@bag/testing';
import { expect, test } from 'vitest';
import { goldens } from './fixtures/goldens.js';
import {
  cosine,
  cosineRestarts,
  exponentialDecay,
  linear,
  oneCycle,
  polynomial,
  type Schedule,
  stepDecay,
} from './index.js';

const schedules: Record<keyof typeof goldens, Schedule> = {
  cosine: cosine({ from: 0.4, to: 0.01, steps: 20 }),
  multiStep: stepDecay({ rate: 0.1, boundaries: [10, 20, 30] }),
  step: exponentialDecay({ rate: 0.045, every: 4 }),
  exponential: exponentialDecay({ rate: 0.3, every: 1 }),
  polynomial: polynomial({ from: 0.2, steps: 20, power: 0.9 }),
  linear: linear({ from: 0.5, to: 0.1, steps: 10 }),
  restarts: cosineRestarts({ from: 0.1, to: 0.001, steps: 10, multiplier: 2 }),
  restartsEven: cosineRestarts({ from: 0.1, steps: 7 }),
  oneCycle: oneCycle({ peak: 0.6, totalSteps: 50 }),
  oneCycleLinear: oneCycle({
    peak: 0.6,
    totalSteps: 33,
    warmupFraction: 0.25,
    anneal: 'linear',
    divFactor: 10,
    finalDivFactor: 100,
  }),
  oneCycleThree: oneCycle({ peak: 0.6, totalSteps: 47, warmupFraction: 0.4, threePhase: true }),
};

// PyTorch computes some of these by recurrences, which gather rounding errors.
test.each(Object.entries(schedules))("%s equals PyTorch's", (name, schedule) => {
  const expected = goldens[name as keyof typeof goldens];
  const actual = expected.map((_, step) => schedule(step));
  expectAllClose(actual, expected, { relative: 1e-10, absolute: 1e-15 });
  expect(expected.length).toBeGreaterThan(10);
});
