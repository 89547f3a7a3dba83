import { expect, test } from 'vitest';
import { diverged, exponentialRate, smoothed, suggest } from './range-test.js';

test('rates are exponential between both ends', () => {
  const rate = exponentialRate({ from: 1e-4, to: 1, steps: 5 });
  expect([0, 1, 2, 3, 4].map((t) => Number(rate(t).toPrecision(6)))).toEqual([1e-4, 1e-3, 1e-2, 1e-1, 1]);
});

test('smoothing by hand: losses 1 and 3 with β = 1/2 are 1 and (1/4 + 3/2)/(3/4)', () => {
  expect(smoothed([1, 3], 0.5)).toEqual([1, 7 / 3]);
});

test('four times the smallest loss, or no number, is divergence', () => {
  expect([[2, 1, 3.9], [2, 1, 4.1], [2, NaN], []].map(diverged)).toEqual([false, true, true, false]);
});

test('of a loss that falls fastest at 0.01 and is smallest near 1, a rate about there', () => {
  const rate = exponentialRate({ from: 1e-5, to: 10, steps: 121 });
  const points = Array.from({ length: 121 }, (_, step) => {
    const x = Math.log10(rate(step));
    return { rate: rate(step), loss: 1.5 - Math.tanh((x + 2) * 2) + Math.max(0, x) ** 2 * 20 };
  });
  const { steepest, lowest, rate: suggested } = suggest(points) as NonNullable<ReturnType<typeof suggest>>;
  // Smoothing delays by about nine steps, 0.45 of a decade.
  expect(Math.abs(Math.log10(steepest) + 2)).toBeLessThan(0.6);
  expect(Math.abs(Math.log10(lowest))).toBeLessThan(0.6);
  expect(suggested).toBeLessThanOrEqual(lowest / 10);
  expect(suggest(Array.from({ length: 20 }, (_, i) => ({ rate: i, loss: i })))).toBeUndefined();
});
