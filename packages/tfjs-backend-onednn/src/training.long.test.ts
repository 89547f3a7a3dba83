import { expectAllClose } from '@bag/testing';
import { expect, test } from 'vitest';
import { losses, mean } from './fixtures/training.js';
import './index.js';

test('training goes as on tfjs-backend-cpu', async () => {
  const native = await losses('onednn', 200);
  const reference = await losses('cpu', 200);
  expectAllClose(native.slice(0, 10), reference.slice(0, 10), { relative: 1e-4 });
  expect(mean(reference.slice(-20))).toBeLessThan(0.8 * mean(reference.slice(0, 20)));
  expectAllClose([mean(native.slice(-20))], [mean(reference.slice(-20))], { relative: 0.01 });
});
