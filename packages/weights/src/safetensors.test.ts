import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadFiles } from './fixtures/load.js';
import { parseSafetensors, safetensorsParts, serializeSafetensors } from './safetensors.js';

const { files, refused } = loadFiles('files.json');

/** A file with any header, true or not. */
function file(header: unknown, dataBytes: number): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}
const f32 = (shape: unknown, ...offsets: unknown[]) => ({ dtype: 'F32', shape, data_offsets: offsets });

describe('parseSafetensors', () => {
  test.each([...files].filter(([name]) => name.startsWith('safetensors')))(
    'reads what the Python package wrote: %s',
    (_name, { bytes, tensors }) => {
      expect(parseSafetensors(bytes).tensors).toEqual(tensors);
    },
  );

  test('metadata', () => {
    expect(parseSafetensors((files.get('safetensors') ?? expect.fail()).bytes).metadata).toEqual({ format: 'pt' });
  });

  test.each<[string, Uint8Array, string]>([
    ['three bytes', Uint8Array.of(1, 2, 3), '3 bytes are too few'],
    ['a header beyond the file', Uint8Array.of(255, 0, 0, 0, 0, 0, 0, 0), 'the header claims 255 bytes of 8'],
    ['a header of 2⁶⁴ bytes', new Uint8Array(8).fill(255), 'the header claims 18446744073709552000 bytes'],
    ['no JSON', file('{', 0), 'the header is no JSON'],
    ['no UTF-8', Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0x22, 0xff, 0x22), 'the header is no JSON'],
    ['a list', file([], 0), 'the header is no JSON object'],
    ['metadata that are no strings', file({ __metadata__: { a: 1 } }, 0), '__metadata__ is no map'],
    ['an entry that is none', file({ w: 3 }, 0), 'w has no dtype, shape and data_offsets'],
    ['an unknown dtype', file({ w: { dtype: 'Q7', shape: [], data_offsets: [0, 4] } }, 4), 'w has dtype "Q7"'],
    ['no shape', file({ w: f32(null, 0, 4) }, 4), 'w has no shape'],
    ['no offsets', file({ w: f32([1]) }, 4), 'w has no two data_offsets'],
    ['a negative dimension', file({ w: f32([-1], 0, 4) }, 4), 'w has the shape [-1]'],
    ['half a dimension', file({ w: f32([0.5, 2], 0, 4) }, 4), 'w has the shape [0.5, 2]'],
    ['a shape beyond numbers', file({ w: f32([2 ** 40, 2 ** 40], 0, 4) }, 4), 'w has the shape'],
    ['too few bytes for the shape', file({ w: f32([2], 0, 4) }, 4), 'w [2] does not fit the bytes 0 to 4'],
    ['bytes beyond the file', file({ w: f32([2], 0, 8) }, 4), 'w [2] does not fit the bytes 0 to 8'],
    ['a negative offset', file({ w: f32([1], -4, 0) }, 4), 'w [1] does not fit the bytes -4 to 0'],
    ['offsets of text', file({ w: f32([1], '0', '4') }, 4), 'w [1] does not fit the bytes 0 to 4'],
    ['an overlap', file({ a: f32([2], 0, 8), b: f32([1], 4, 8) }, 8), 'b begins at byte 4, within the tensor before'],
    ['a hole', file({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), 'the bytes 4 to 8, before b, belong to no tensor'],
    ['bytes too many', file({ a: f32([1], 0, 4) }, 5), '1 bytes follow the last tensor'],
    [
      'a key twice',
      file(
        '{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0077":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        4,
      ),
      'the header has "w" twice',
    ],
    [
      'a key twice within an entry',
      file('{"w":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
      'the header has "dtype" twice',
    ],
    ['8-bit floats', refused.get('f8 safetensors') ?? expect.fail(), 'z has dtype "F8_E4M3"'],
  ])('refuses %s', (_name, bytes, message) => {
    expect(() => parseSafetensors(bytes)).toThrow(message);
  });

  test('a name of millions of escapes is read', () => {
    const name = '\n"\\'.repeat(1_000_000);
    expect(Object.keys(parseSafetensors(file({ [name]: f32([1], 0, 4) }, 4)).tensors)).toEqual([name]);
  });

  test('strings that look like keys are none', () => {
    const header = { __metadata__: { a: 'b": {"a', b: '{"a":1' }, 'a": [': f32([], 0, 4) };
    expect(Object.keys(parseSafetensors(file(header, 4)).tensors)).toEqual(['a": [']);
  });
});

describe('serializeSafetensors', () => {
  test('the bytes are those of the published layout, sorted by name', () => {
    const bytes = serializeSafetensors(
      { w: { shape: [1], values: Float32Array.of(1) }, a: { shape: [], values: Float32Array.of(-2) } },
      { layout: 'HWIO', format: 'x' },
    );
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    expect(
      Buffer.from(bytes.subarray(8, 8 + length))
        .toString()
        .trimEnd(),
    ).toBe(
      '{"__metadata__":{"format":"x","layout":"HWIO"},' +
        '"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
    );
    expect([...bytes.subarray(8 + length)]).toEqual([0, 0, 0, 0xc0, 0, 0, 0x80, 0x3f]);
  });

  test('parts keep the order that they are given', () => {
    const [head, ...values] = safetensorsParts({
      b: { shape: [1], values: Float32Array.of(1) },
      a: { shape: [1], values: Float32Array.of(2) },
    });
    expect(Buffer.from(head as Uint8Array).toString()).toMatch(/"b".*"a"/);
    expect(values.map((part) => part[3])).toEqual([0x3f, 0x40]);
  });

  test('refuses values that do not fill the shape', () => {
    expect(() => serializeSafetensors({ w: { shape: [3], values: new Float32Array(2) } })).toThrow(
      'w has 2 values, which do not fill its shape [3]',
    );
  });

  test('what is written is read back, bit for bit, in whatever order it came', () => {
    const tensor = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 4 }).chain((shape) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return fc.float32Array({ minLength: size, maxLength: size, noNaN: true }).map((values) => ({ shape, values }));
    });
    const tensors = fc.dictionary(
      fc.string().filter((name) => name !== '__metadata__'),
      tensor,
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(tensors, (stored) => {
        const bytes = serializeSafetensors(stored);
        const backwards = Object.fromEntries(Object.entries(stored).reverse());
        expect(serializeSafetensors(backwards)).toEqual(bytes);
        const read = parseSafetensors(bytes).tensors;
        expect(Object.keys(read).sort()).toEqual(Object.keys(stored).sort());
        for (const [name, { shape, values }] of Object.entries(stored)) {
          expect(read[name]?.shape).toEqual(shape);
          expect(new Uint8Array((read[name]?.values ?? new Float32Array()).slice().buffer)).toEqual(
            new Uint8Array(values.slice().buffer),
          );
        }
      }),
    );
  });
});
