import { expect, test } from 'vitest';
import { RunningMean } from './running-mean.js';

test('a constant stays what it is from the first value on', () => {
  const mean = new RunningMean();
  for (let i = 0; i < 5; i++) expect(mean.add(0.3)).toBeCloseTo(0.3, 12);
});

test('it is the weighted mean of all values, the last with weight 1, each before it with 0.98 of the next', () => {
  const mean = new RunningMean();
  mean.add(1);
  mean.add(0);
  expect(mean.add(4)).toBeCloseTo((0.98 ** 2 * 1 + 0.98 * 0 + 4) / (0.98 ** 2 + 0.98 + 1), 12);
});

test('what jumps between 0 and 1 is calm after a while', () => {
  const mean = new RunningMean();
  const shown = Array.from({ length: 300 }, (_, i) => mean.add(i % 2));
  for (const value of shown.slice(200)) expect(Math.abs(value - 0.5)).toBeLessThan(0.02);
});

test('a step that overflowed does not spoil it', () => {
  const mean = new RunningMean();
  mean.add(2);
  expect(mean.add(Infinity)).toBeCloseTo(2, 12);
  expect(mean.add(NaN)).toBeCloseTo(2, 12);
  expect(mean.add(2)).toBeCloseTo(2, 12);
});
