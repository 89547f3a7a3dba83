import { expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { memory, OnednnBackend } from './index.js';

export interface Evaluated {
  values: number[];
  dtype: tf.DataType;
  shape: number[];
}

/** The backend, which must be this package's. */
export function onednn(): OnednnBackend {
  const backend = tf.backend();
  if (!(backend instanceof OnednnBackend)) throw new Error(`expected the backend onednn, got ${tf.getBackend()}`);
  return backend;
}

/** Runs `f` natively, and asserts that: the result's values, and neither tensors nor native blocks left alive. */
export async function evaluate(f: () => tf.Tensor): Promise<Evaluated> {
  const { forwarded } = onednn();
  const before = [...forwarded];
  const blocks = memory().blocksInUse;
  const result = await expectNoLeak(() => {
    const y = tf.tidy(f);
    const taken = { values: Array.from(y.dataSync()), dtype: y.dtype, shape: y.shape };
    y.dispose();
    return taken;
  });
  expect(memory().blocksInUse - blocks, 'native blocks left alive').toBe(0);
  expect([...forwarded], 'kernels left to tfjs-backend-cpu').toEqual(before);
  return result;
}
