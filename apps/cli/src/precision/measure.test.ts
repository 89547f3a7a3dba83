import { policy } from '@bag/mixed-precision';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { resolveConfig } from '../config/load.js';
import { useEngine } from '../engines/use.js';
import { precisionTimes } from './measure.js';

const config = resolveConfig({ model: 'resnet8', imageSize: 16, batch: 8 });

test('an engine that stores 16 bits is measured once, and nothing is left of it', async () => {
  await useEngine('auto');
  const before = tf.memory().numTensors;
  const times = await precisionTimes(config, 'bf16');
  expect(tf.memory().numTensors).toBe(before);
  if (policy({ dtype: 'bf16' }).emulated) {
    expect(times).toBeUndefined();
    return;
  }
  expect(times).toEqual({ half: 'bf16', halfMs: expect.any(Number) as number, fp32Ms: expect.any(Number) as number });
  expect(Math.min(times?.halfMs ?? 0, times?.fp32Ms ?? 0)).toBeGreaterThan(0);
  // Other tricks and seeds change nothing in how 16 bits compare.
  const other = { ...config, seed: 1, labelSmoothing: 0 };
  expect(await precisionTimes(other, 'bf16')).toBe(times);
  // The batch of a step says of how many images it was.
  const parts = await precisionTimes({ ...config, accumulate: 2 }, 'bf16');
  expect(parts?.images).toBe(8);
});

test('an engine that emulates them is not', async () => {
  await useEngine('wasm');
  expect(await precisionTimes({ ...config, backend: 'wasm' }, 'bf16')).toBeUndefined();
});
