import { expect, test } from 'vitest';
import { Metrics } from './metrics.js';

test('top-1, top-5 and the mean loss over batches of different sizes', () => {
  const metrics = new Metrics();
  metrics.add({ loss: 1 }, [0, 5, 1, 2, 3, 4, 9, 1, 2, 3, 4, 5], { labels: [1, 1] }); // ranks 0 and 5 (six classes)
  metrics.add({ loss: 4 }, [6, 5, 4, 3, 2, 1], { labels: [2] }); // rank 2
  const { loss, top1, top5 } = metrics.result();
  expect(loss).toBeCloseTo(2, 12);
  expect(top1).toBeCloseTo(1 / 3, 12);
  expect(top5).toBeCloseTo(2 / 3, 12);
  expect(metrics.examples).toBe(3);
});

test('a constant network is right for the first class only, and NaN is never right', () => {
  const constant = new Metrics();
  constant.add({ loss: 0 }, [0, 0, 0, 0], { labels: [0, 1] });
  expect(constant.result().top1).toBe(0.5);
  const broken = new Metrics();
  broken.add({ loss: 0 }, [Number.NaN, Number.NaN], { labels: [0] });
  expect(broken.result().top1).toBe(0);
});

// Logits of three classes that predict 0, 1, 2 and 0.
const logits = [3, 2, 1, 1, 3, 2, 1, 2, 3, 3, 1, 2];

test('a mixed example scores the share of the predicted class: λ for its label, 1 − λ for its partner', () => {
  const metrics = new Metrics();
  // Hits: the label, the partner, neither, and both, which are the same class.
  metrics.add({ loss: 0 }, logits, { labels: [0, 0, 0, 0], partnerLabels: [1, 1, 1, 0], lambda: 0.7 });
  expect(metrics.result().top1).toBeCloseTo((0.7 + 0.3 + 0 + 1) / 4, 12);
  expect(metrics.result().top5).toBeCloseTo(1, 12);
});

test('λ may be each example’s own, and an unmixed batch scores as a plain one', () => {
  const each = new Metrics();
  const partnerLabels = [1, 1, 1, 1];
  each.add({ loss: 0 }, logits, { labels: [0, 0, 2, 2], partnerLabels, lambda: Float32Array.of(0.25, 0.25, 0.5, 1) });
  expect(each.result().top1).toBeCloseTo((0.25 + 0.75 + 0.5 + 0) / 4, 12);
  const [mixed, plain] = [new Metrics(), new Metrics()];
  mixed.add({ loss: 0 }, logits, { labels: [0, 0, 2, 2], partnerLabels, lambda: 1 });
  plain.add({ loss: 0 }, logits, { labels: [0, 0, 2, 2] });
  expect(mixed.result()).toEqual(plain.result());
});

test('a network that tells every pair apart never scores by chance of the label alone', () => {
  // Guessing the partner of a nearly unmixed image is wrong, and of a nearly replaced one right, whatever the label says.
  const metrics = new Metrics();
  metrics.add({ loss: 0 }, [0, 9], { labels: [0], partnerLabels: [1], lambda: 0.02 });
  expect(metrics.result().top1).toBeCloseTo(0.98, 12);
});

test('the terms of a loss are averaged beside it, and are absent where there are none', () => {
  const metrics = new Metrics();
  metrics.add({ loss: 3, hard: 2, soft: 1 }, [1, 0], { labels: [0] });
  metrics.add({ loss: 9, hard: 5, soft: 4 }, [1, 0, 1, 0], { labels: [0, 0] });
  expect(metrics.result()).toEqual({ loss: 7, hard: 4, soft: 3, top1: 1, top5: 1 });
  expect(Object.keys(new Metrics().result())).toEqual(['loss', 'top1', 'top5']);
});
