import { batchNormTraining, sgdUpdate } from '@bag/ops';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { memory, OnednnBackend, setMemoryLimits } from './index.js';

beforeAll(() => tf.setBackend('onednn'));

describe('a kernel that runs out of memory between its outputs', () => {
  const { limit } = memory();
  afterEach(() => setMemoryLimits({ inUse: limit }));

  test.each([
    ['BatchNorm', (x: tf.Tensor4D) => batchNormTraining({ x, gamma: tf.ones([4]), beta: tf.zeros([4]) }).y],
    ['SGD', (x: tf.Tensor4D) => sgdUpdate({ parameter: x, gradient: x, velocity: x, rate: 1 }).parameter],
    ['Unpack', (x: tf.Tensor4D) => tf.unstack(x)[0] as tf.Tensor],
  ])('%s keeps none of them', (_, run) => {
    const x = tf.ones<tf.Rank.R4>([4, 64, 64, 4]);
    const call = () => tf.tidy(() => run(x));
    call().dispose();
    const { bytesInUse, blocksInUse } = memory();
    let [failures, room] = [0, 0];
    // The limit grows until the call succeeds, so that every allocation fails once.
    for (; room < 2 ** 20; room += 8192) {
      setMemoryLimits({ inUse: bytesInUse + room });
      try {
        call().dispose();
        break;
      } catch (error) {
        expect((error as { code?: string }).code).toBe('ERR_BAG_MEMORY');
        expect((error as Error).message).toMatch(/cannot allocate \d+ MiB/);
        failures++;
      }
      expect(memory().blocksInUse, `with room for ${room} bytes`).toBe(blocksInUse);
    }
    expect(failures).toBeGreaterThan(1);
    expect(room).toBeLessThan(2 ** 20);
    x.dispose();
  });
});

test('tensors that outlive the backend can still be disposed', () => {
  const backend = new OnednnBackend();
  expect(backend).toBeInstanceOf(MathBackendCPU);
  tf.registerBackend('onednn-for-a-while', () => backend);
  const { blocksInUse } = memory();
  const dataId = backend.write(new Float32Array(9), [9], 'float32');
  expect(memory().blocksInUse).toBe(blocksInUse + 1);
  backend.dispose();
  expect(memory().blocksInUse).toBe(blocksInUse);
  expect(backend.disposeData(dataId)).toBe(true);
  tf.removeBackend('onednn-for-a-while');
});
