import { createRandom } from '@bag/random';
import { expect, test } from 'vitest';
import { kaimingNormal, xavierUniform } from './initializers.js';

const random = () => createRandom({ seed: 1, purpose: 'weights' });
const variance = (values: Float32Array) => values.reduce((sum, v) => sum + v * v, 0) / values.length;

// 2/(fan_in + fan_out) and 2/fan_out; a depthwise filter's fans are its area.
test.each([
  ['3×3 of 32 to 64', [3, 3, 32, 64], 9 * 32, 9 * 64],
  ['depthwise', [3, 3, 4096, 1], 9 * 4096, 9],
  ['dense', [200, 100], 200, 100],
])('variances by hand: %s', (_, shape, fanIn, fanOut) => {
  const [xavier, kaiming] = [xavierUniform(shape, random()), kaimingNormal(shape, random())];
  expect(variance(xavier) / (2 / (fanIn + fanOut))).toBeCloseTo(1, 1);
  expect(Math.max(...xavier.map(Math.abs))).toBeLessThanOrEqual(Math.fround(Math.sqrt(6 / (fanIn + fanOut))));
  expect(variance(kaiming) / (2 / fanOut)).toBeCloseTo(1, 1);
  expect(xavier).toHaveLength(shape.reduce((a, b) => a * b));
  expect(kaiming).toHaveLength(xavier.length);
});
