import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSafetensors, writeSafetensors } from './safetensors.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bag-safetensors-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('safetensors', () => {
  test('reads back what was written, bit for bit, and leaves no temporary file', async () => {
    const path = join(folder, 'a.safetensors');
    const values = Float32Array.of(0, -0, Number.NaN, Infinity, 1e-45, 0.1);
    await writeSafetensors(path, {
      'layer1.0.conv1.weight': { shape: [2, 3], values },
      scalar: { shape: [], values: Float32Array.of(7) },
      empty: { shape: [0, 3], values: new Float32Array(0) },
    });
    const tensors = await readSafetensors(path);
    expect(Object.keys(tensors)).toEqual(['layer1.0.conv1.weight', 'scalar', 'empty']);
    expect(tensors['layer1.0.conv1.weight']).toEqual({ shape: [2, 3], values });
    expect(tensors['scalar']).toEqual({ shape: [], values: Float32Array.of(7) });
    expect(await readdir(folder)).toEqual(['a.safetensors']);
  });

  test('the bytes are those of the published layout', async () => {
    const path = join(folder, 'b.safetensors');
    await writeSafetensors(path, { w: { shape: [1], values: Float32Array.of(1) } });
    const file = await readFile(path);
    const length = Number(file.readBigUInt64LE(0));
    expect(length % 8).toBe(0);
    expect(JSON.parse(file.toString('utf8', 8, 8 + length))).toMatchObject({
      w: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
    });
    expect([...file.subarray(8 + length)]).toEqual([0, 0, 0x80, 0x3f]);
  });

  test.each([
    ['three bytes', Uint8Array.of(1, 2, 3), '3 bytes are too few'],
    ['a header longer than the file', Uint8Array.of(255, 0, 0, 0, 0, 0, 0, 0), 'the header claims 255 bytes of 8'],
    ['no JSON', Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0x7b), 'the header is no JSON'],
  ])('refuses %s', async (_name, bytes, message) => {
    const path = join(folder, 'bad.safetensors');
    await writeFile(path, bytes);
    await expect(readSafetensors(path)).rejects.toThrow(message);
  });

  test('refuses a tensor that its bytes do not fill', async () => {
    const path = join(folder, 'c.safetensors');
    await writeSafetensors(path, { w: { shape: [2], values: Float32Array.of(1, 2) } });
    const file = await readFile(path);
    await writeFile(path, file.subarray(0, file.length - 4));
    await expect(readSafetensors(path)).rejects.toThrow('w [2] does not fit the bytes 0 to 8');
  });
});
