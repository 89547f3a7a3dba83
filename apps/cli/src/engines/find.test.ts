import { expect, test } from 'vitest';
import { fasterOf } from './find.js';
import type { EngineStatus } from './status.js';

const gpu: EngineStatus = { name: 'webgpu', available: true, device: 'a small one' };
const onednn: EngineStatus = { name: 'onednn', available: true };
const processor = { status: onednn, why: 'the fastest for processors' };

test('auto takes a GPU that is faster than the processor, and says by how much', () => {
  expect(fasterOf(gpu, processor, [1234.5, 98.7])).toEqual({
    status: gpu,
    why: '1235 GFLOP/s in convolutions, onednn 99',
  });
});

test('a GPU that is no faster is left alone', () => {
  expect(fasterOf(gpu, processor, [40, 98.7])).toEqual({
    status: onednn,
    why: '99 GFLOP/s in convolutions, webgpu 40',
  });
});

test('what is missing is said beside the speeds', () => {
  const wasm = { status: { ...onednn, name: 'wasm' } as EngineStatus, why: 'onednn is missing: not built; build it' };
  expect(fasterOf(gpu, wasm, [40, 20]).why).toBe(
    '40 GFLOP/s in convolutions, wasm 20; onednn is missing: not built; build it',
  );
});
