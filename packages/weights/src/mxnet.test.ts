import { describe, expect, test } from 'vitest';
import { loadFiles } from './fixtures/load.js';
import { parseMxnet } from './mxnet.js';

const { files, refused } = loadFiles('mxnet.json');

describe('parseMxnet', () => {
  test.each([...files])('reads what MXNet reads: %s', (_name, { bytes, tensors }) => {
    expect(parseMxnet(bytes).tensors).toEqual(tensors);
  });

  test('says that it removed arg: and aux:', () => {
    const { notes } = parseMxnet((files.get('arg and aux') ?? expect.fail()).bytes);
    expect(notes).toEqual(['removed arg: and aux: from 2 names']);
  });

  test.each([
    ['list', 'the file has 1 arrays and 0 names'],
    ['sparse', "array 0 of 1 is sparse; save it with .tostype('default')"],
  ])('refuses a %s', (name, message) => {
    const bytes = refused.get(name) ?? expect.fail();
    expect(() => parseMxnet(bytes)).toThrow(message);
  });

  const changed = (at: number, bytes: number[]) => {
    const copy = (files.get('version 1') ?? expect.fail()).bytes.slice();
    copy.set(bytes, at);
    return copy;
  };
  // 24: magic; 28: dimensions; 32, 40: the shape [2, 3]; 48: device; 56: type.
  test.each([
    ['a million arrays', changed(16, [64, 66, 15]), 'of 1000000'],
    ['too many dimensions', changed(28, [99]), 'array 0 of 2 has 99 dimensions'],
    ['a negative dimension', changed(32, new Array<number>(8).fill(255)), 'array 0 of 2 has the shape [-1, 3]'],
    ['a huge dimension', changed(32, [0, 0, 0, 0, 1]), 'array 0 of 2 [4294967296, 3] claims 12884901888 values'],
    ['an unknown type', changed(56, [77]), "array 0 of 2 has MXNet's type 77"],
    ['a byte too many', Uint8Array.from([...changed(0, []), 0]), '1 bytes follow the last name'],
    ['another magic number', changed(0, [0x13]), 'has not the magic number'],
  ])('refuses %s', (_name, bytes, message) => {
    expect(() => parseMxnet(bytes)).toThrow(message);
  });
});
