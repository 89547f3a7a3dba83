import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { Project } from './fixtures/child.js';
import { describeOnWebGpu } from './fixtures/on-webgpu.js';
import { Failures } from './failures.js';
import { startWebGpu } from './node.js';

interface Backend {
  device: GPUDevice;
  numDataIds(): number;
  memory(): { numBytesInGPU: number; numBytesAllocatedInGPU: number };
}
const backend = () => tf.backend() as unknown as Backend;
const startAnew = 'release the engine and start it anew, as results since then are garbage';

describeOnWebGpu('failures', () => {
  const project = new Project();
  const after = (code: string) =>
    project.failure(`const gpu = await startWebGpu(); await tf.setBackend('webgpu'); ${code}`);

  test('a tensor that exceeds the limit', () => {
    const message = after('const n = gpu.limits.maxStorageBufferBindingSize / 4 + 1; await tf.fill([n], 1).data()');
    expect(message).toMatch(
      /^WebGpuError: a tensor of [\d.]+ GiB \(\d+ bytes\) exceeds what this GPU binds at once, max\w+ = \d+ bytes; use smaller batches or images$/,
    );
  });

  test('out of memory', async () => {
    const { software, limits } = await startWebGpu();
    if (!software) return; // a real GPU may well have this much
    const size = limits.maxStorageBufferBindingSize - 4;
    expect(after(`await tf.fill([${size / 4}], 1).data()`)).toBe(
      'WebGpuError: out of GPU memory: no room for 1024 MiB beside the 0 bytes in use (vkAllocateMemory failed with ' +
        `VK_ERROR_OUT_OF_DEVICE_MEMORY); use smaller batches or images; ${startAnew}`,
    );
    // Also where only something that depends on it is read, and again and again.
    const dependent = `const y = tf.sum(tf.fill([${size / 4}], 1)); await y.data().catch(() => {}); await tf.add(1, 2).data()`;
    expect(after(dependent)).toContain('WebGpuError: out of GPU memory: no room for 1024 MiB beside ');
  });

  test('an operation that WebGPU refuses', () => {
    const refused = 'tf.backend().device.createBuffer({ size: 2 ** 45, usage: 128 })';
    expect(after(`${refused}; await tf.add(1, 2).data()`)).toMatch(
      new RegExp(`^WebGpuError: WebGPU refused an operation \\(Buffer size \\(\\d+\\) exceeds .*\\); ${startAnew}$`),
    );
  });

  test('a read after the release', () => {
    expect(after('const y = tf.add(1, 2); const b = tf.backend(); gpu.release(); await b.read(y.dataId)')).toBe(
      'WebGpuError: the WebGPU engine has been released, and its tensors with it; ' +
        'read tensors before the release, or start the engine anew',
    );
  });

  test('a GPU that is lost', async () => {
    // Only a driver can do it, so this device is none.
    const device = Object.assign(new EventTarget(), {
      lost: Promise.resolve({ reason: 'unknown', message: 'VK_ERROR_DEVICE_LOST\nat …' }),
    });
    const failures = new Failures(device as unknown as GPUDevice);
    await expect(failures.check()).rejects.toThrow(
      'the GPU was lost (VK_ERROR_DEVICE_LOST); start the engine anew; if it recurs, use smaller batches or a newer driver',
    );
  });

  test('a GPU of another name', () => {
    expect(project.failure("await startWebGpu({ adapter: 'none of these' })")).toMatch(
      /^WebGpuError: no such GPU \(no suitable backends found Available adapters: .*name: '.*\); leave the option `adapter` out, or take one of these names$/,
    );
  });
});

describeOnWebGpu('tensors', () => {
  test('dataSync says what to do', () => {
    const y = tf.tidy(() => tf.add(1, 2));
    expect(() => y.dataSync()).toThrow(
      'dataSync and arraySync: WebGPU reads tensors only asynchronously here; use `await tensor.data()` or `await tensor.array()`',
    );
    y.dispose();
  });

  test('one may be disposed while it is read', async () => {
    const y = tf.tidy(() => tf.add(tf.ones([1000]), 1));
    const reading = y.data();
    y.dispose();
    expect(await reading).toEqual(new Float32Array(1000).fill(2));
  });

  test('the memory of disposed ones is used again', async () => {
    const step = async () => {
      const y = tf.tidy(() => tf.sum(tf.matMul(tf.ones([100, 100]), tf.ones([100, 100]))));
      await y.data();
      y.dispose();
    };
    await step();
    const before = [backend().numDataIds(), backend().memory().numBytesInGPU, tf.memory().numTensors];
    for (let i = 0; i < 20; i++) await step();
    expect([backend().numDataIds(), backend().memory().numBytesInGPU, tf.memory().numTensors]).toEqual(before);
  });

  test('memory that nothing of its size asks for again is given back', async () => {
    let most = 0;
    for (let i = 1; i <= 12; i++) {
      const y = tf.tidy(() => tf.slice(tf.fill([2 ** 24 + i], 1), 0, 1)); // of 64 MiB, 768 MiB in all
      await y.data();
      y.dispose();
      most = Math.max(most, backend().memory().numBytesAllocatedInGPU);
    }
    expect(most).toBeLessThan(512 * 2 ** 20);
  });
});
