import { expect, test } from 'vitest';
import { bothTimes, costOfAsked, fasterPrecision, type PrecisionTimes, slowsDown, whyChosen } from './times.js';

const times = (halfMs: number, fp32Ms: number, rest: Partial<PrecisionTimes> = {}): PrecisionTimes => ({
  half: 'bf16',
  halfMs,
  fp32Ms,
  ...rest,
});

test.each([
  [105, 158, 'bf16', false],
  [94, 100, 'bf16', false],
  [96, 100, 'fp32', false],
  [100, 100, 'fp32', false],
  [100, 96, 'fp32', false],
  [100, 94, 'fp32', true],
  [2658, 1944, 'fp32', true],
])('%d ms in bf16 and %d in fp32: %s', (halfMs, fp32Ms, expected, slower) => {
  expect(fasterPrecision(times(halfMs, fp32Ms))).toBe(expected);
  expect(slowsDown(times(halfMs, fp32Ms))).toBe(slower);
});

test('in words', () => {
  expect(whyChosen('bf16', times(105.4, 157.9))).toBe('bf16, measured here: 105 ms a step, 158 in fp32');
  expect(whyChosen('fp32', times(48, 33))).toBe('fp32, measured here: 33 ms a step, 48 in bf16');
  expect(whyChosen('bf16', times(2, 3.14159, { images: 4 }))).toBe(
    'bf16, measured here: 2.0 ms a step of 4 images, 3.1 in fp32',
  );
  expect(costOfAsked(times(48, 33))).toBe('bf16 as asked, 1.5 × the time of fp32 here (48 ms a step, 33 in fp32)');
  expect(costOfAsked(times(105, 158, { half: 'fp16', images: 1 }))).toBe(
    'fp16 as asked, 0.66 × the time of fp32 here (105 ms a step of 1 image, 158 in fp32)',
  );
  expect(bothTimes('bf16', times(105, 158))).toBe('bf16: 105 ms a step, fp32 158');
  expect(bothTimes('fp32', times(48, 33, { images: 4 }))).toBe('fp32: 33 ms a step of 4 images, bf16 48');
});
