import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';

/** Runs `f` and asserts that exactly `kept` more tensors are alive afterwards. */
export async function expectNoLeak<T>(f: () => T | Promise<T>, kept = 0): Promise<T> {
  const before = tf.memory().numTensors;
  const result = await f();
  expect(tf.memory().numTensors - before, 'tensors left alive').toBe(kept);
  return result;
}
