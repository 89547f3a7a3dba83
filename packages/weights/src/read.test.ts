import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadFiles } from './fixtures/load.js';
import { readWeights } from './read.js';
import { serializeSafetensors } from './safetensors.js';

const torch = loadFiles('files.json');
const mxnet = loadFiles('mxnet.json');
const all = [...torch.files, ...mxnet.files];

describe('readWeights', () => {
  test.each(all)('knows the format by its content: %s', (name, { bytes, tensors }) => {
    const read = readWeights(bytes);
    const format = name.startsWith('safetensors') ? 'safetensors' : mxnet.files.has(name) ? 'mxnet' : 'torch';
    expect(read.format).toBe(format);
    expect(read.tensors).toEqual(tensors);
  });

  test('says the layout where the file does', () => {
    const tensors = { w: { shape: [1], values: Float32Array.of(1) } };
    expect(readWeights((mxnet.files.get('version 1') ?? expect.fail()).bytes).layout).toBe('OIHW');
    expect(readWeights((torch.files.get('zip') ?? expect.fail()).bytes).layout).toBe('OIHW');
    expect(readWeights((torch.files.get('safetensors') ?? expect.fail()).bytes).layout).toBe('OIHW');
    expect(readWeights(serializeSafetensors(tensors, { layout: 'HWIO' })).layout).toBe('HWIO');
    expect(readWeights(serializeSafetensors(tensors)).layout).toBeUndefined();
    expect(() => readWeights(serializeSafetensors(tensors, { layout: 'CHWN' }))).toThrow('the layout "CHWN"');
  });

  test('a header of 128 bytes is no pickle', () => {
    const name = 'w'.repeat(55);
    const bytes = serializeSafetensors({ [name]: { shape: [1], values: Float32Array.of(1) } });
    expect(bytes[0]).toBe(0x80);
    expect(readWeights(bytes).format).toBe('safetensors');
  });

  test.each([
    ['nothing', '', 'the file is empty'],
    ['HDF5', '\x89HDF\r\n\x1a\n', 'the file is HDF5, as Keras writes it'],
    ['a pointer', 'version https://git-lfs.github.com/spec/v1', 'a pointer of Git LFS'],
    ['a web page', '<!DOCTYPE html>', 'a page of HTML'],
    ['anything', 'abcdefghijklmnop', 'of an unknown format; safetensors, state dicts of torch.save'],
  ])('says what it accepts: %s', (_name, start, message) => {
    expect(() => readWeights(Uint8Array.from(Buffer.from(start, 'latin1')))).toThrow(message);
  });
});

/** Tensors, or an Error of one line that was meant: never one of the engine's. */
function readsOrRefuses(bytes: Uint8Array): void {
  try {
    for (const { shape, values } of Object.values(readWeights(bytes).tensors)) {
      expect(values.length).toBe(shape.reduce((a, b) => a * b, 1));
    }
  } catch (error) {
    expect(Object.getPrototypeOf(error)).toBe(Error.prototype);
    expect((error as Error).message).toMatch(/^[^\n]+$/);
  }
}

describe('damaged files', () => {
  const some = fc.constantFrom(...all.map(([, { bytes }]) => bytes));

  test('cut off anywhere, they are refused or read', () => {
    fc.assert(
      fc.property(some, fc.double({ min: 0, max: 1, noNaN: true }), (bytes, share) => {
        readsOrRefuses(bytes.subarray(0, Math.floor(share * bytes.length)));
      }),
      { numRuns: 1000 },
    );
  });

  test('with bytes changed, they are refused or read', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(some, changes, (bytes, list) => {
        const copy = bytes.slice();
        for (const [at, value] of list) copy[at % copy.length] = value;
        readsOrRefuses(copy);
      }),
      { numRuns: 3000 },
    );
  });

  test('what is no file at all is refused or read', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), readsOrRefuses));
  });
});
