import { expect, test } from 'vitest';
import { isSoftware, requestDevice } from './device.js';

const info = { vendor: 'nvidia', architecture: 'hopper', device: '', description: '' };
const adapter = (more: object = {}): GPUAdapter =>
  ({
    info: { ...info, ...more },
    limits: {},
    features: new Set(),
    requestDevice: () => Promise.reject(new Error('VK_ERROR_INITIALIZATION_FAILED\n    at …')),
  }) as unknown as GPUAdapter;

test('a GPU that gives no device is named, by what its driver tells', async () => {
  const fix = 'end other programs that use it, or update its driver';
  await expect(requestDevice(adapter())).rejects.toThrow(
    `the GPU nvidia hopper gives no device (VK_ERROR_INITIALIZATION_FAILED); ${fix}`,
  );
  await expect(requestDevice(adapter({ description: 'NVIDIA: 550' }))).rejects.toThrow('the GPU NVIDIA: 550 gives no');
  await expect(requestDevice(adapter({ vendor: '', architecture: '' }))).rejects.toThrow('the GPU of unknown make');
});

test.each([
  [{}, false],
  [{ isFallbackAdapter: true }, true],
  [{ isFallbackAdapter: false }, false],
  [{ architecture: 'swiftshader' }, true],
  [{ device: 'llvmpipe (LLVM 15.0.6, 256 bits)' }, true],
  [{ description: 'Microsoft Basic Render Driver' }, true],
])('%j computes in software: %s', (more, software) => {
  expect(isSoftware(adapter(more))).toBe(software);
});
