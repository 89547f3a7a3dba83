import { expect, test } from 'vitest';
import { Metrics } from './metrics.js';

test('top-1, top-5 and the mean loss over batches of different sizes', () => {
  const metrics = new Metrics();
  metrics.add(1, [0, 5, 1, 2, 3, 4, 9, 1, 2, 3, 4, 5], [1, 1]); // ranks 0 and 5 (six classes)
  metrics.add(4, [6, 5, 4, 3, 2, 1], [2]); // rank 2
  const { loss, top1, top5 } = metrics.result();
  expect(loss).toBeCloseTo(2, 12);
  expect(top1).toBeCloseTo(1 / 3, 12);
  expect(top5).toBeCloseTo(2 / 3, 12);
  expect(metrics.examples).toBe(3);
});

test('a constant network is right for the first class only, and NaN is never right', () => {
  const constant = new Metrics();
  constant.add(0, [0, 0, 0, 0], [0, 1]);
  expect(constant.result().top1).toBe(0.5);
  const broken = new Metrics();
  broken.add(0, [Number.NaN, Number.NaN], [0]);
  expect(broken.result().top1).toBe(0);
});
