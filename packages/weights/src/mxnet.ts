import { bytesPerElement, decodeElements, type ElementType } from './elements.js';
import { inOneLine } from './one-line.js';
import { ByteReader } from './reader.js';
import { formatShape, sizeOf, type StoredTensor } from './stored.js';
import type { ParsedWeights } from './torch.js';

const version1 = 0xf993fac8;
const version2 = 0xf993fac9;
const version3 = 0xf993faca; // shapes as NumPy has them: a scalar has none
const mostDimensions = 32;

// By MXNet's type flag.
const elementTypes: readonly ElementType[] = [
  'float32',
  'float64',
  'float16',
  'uint8',
  'int32',
  'int8',
  'int64',
  'bool',
  'int16',
  'uint16',
  'uint32',
  'uint64',
  'bfloat16',
];

/** Whether the file begins with the magic number of MXNet's lists of arrays. */
export const isMxnet = (bytes: Uint8Array): boolean =>
  bytes.length >= 8 && [0x12, 1, 0, 0, 0, 0, 0, 0].every((byte, i) => bytes[i] === byte);

/**
 * Reads MXNet's `.params`: dense arrays of every version of the format, as float32; `arg:` and `aux:` before the names are
 * removed. Values may be views of `bytes`.
 *
 * Source: `NDArray::Save` in MXNet's src/ndarray/ndarray.cc.
 * @throws Error naming the array that is sparse, of an unknown type, cut off or without a name.
 * @example
 * const { tensors } = parseMxnet(await readFile('resnet50_v1-0000.params'));
 */
export function parseMxnet(bytes: Uint8Array): ParsedWeights {
  return inOneLine(() => parse(bytes));
}

function parse(bytes: Uint8Array): ParsedWeights {
  if (!isMxnet(bytes)) throw new Error("the file has not the magic number 0x112 of MXNet's .params");
  const reader = new ByteReader(bytes, 16); // magic and a reserved number
  const arrays: (StoredTensor | undefined)[] = [];
  const count = reader.count('the number of arrays');
  for (let i = 0; i < count; i++) arrays.push(readArray(reader, `array ${i} of ${count}`));
  const names = readNames(reader);
  if (names.length !== arrays.length) {
    throw new Error(`the file has ${arrays.length} arrays and ${names.length} names; save a dict of names, not a list`);
  }
  if (reader.left > 0) throw new Error(`${reader.left} bytes follow the last name; the file is damaged`);
  return named(names, arrays);
}

function named(names: readonly string[], arrays: readonly (StoredTensor | undefined)[]): ParsedWeights {
  const tensors = new Map<string, StoredTensor>();
  let prefixed = 0;
  for (const [i, name] of names.entries()) {
    const bare = name.replace(/^(arg|aux):/, '');
    if (bare !== name) prefixed++;
    if (tensors.has(bare)) throw new Error(`two arrays are named ${bare}; the file is damaged`);
    const array = arrays[i];
    if (array === undefined) throw new Error(`${name} is an array without values; initialise it before saving`);
    tensors.set(bare, array);
  }
  const notes = prefixed === 0 ? [] : [`removed arg: and aux: from ${prefixed} names`];
  return { tensors: Object.fromEntries(tensors), notes };
}

function readNames(reader: ByteReader): string[] {
  const names: string[] = [];
  const count = reader.count('the number of names');
  for (let i = 0; i < count; i++) {
    const bytes = reader.elements(reader.int64('a name'), 1, 'a name');
    names.push(new TextDecoder().decode(bytes));
  }
  return names;
}

function readArray(reader: ByteReader, what: string): StoredTensor | undefined {
  const shape = readShape(reader, what);
  if (shape === undefined) return undefined;
  const size = sizeOf(shape);
  if (Number.isNaN(size)) throw new Error(`${what} has the shape ${formatShape(shape)}; the file is damaged`);
  reader.take(8, what); // the device
  const flag = reader.int32(what);
  const type = elementTypes[flag];
  if (type === undefined) throw new Error(`${what} has MXNet's type ${flag}, which is not read; cast it to float32`);
  const data = reader.elements(size, bytesPerElement[type], `${what} ${formatShape(shape)}`);
  return { shape, values: decodeElements(data, type) };
}

/** `undefined` for an array that was saved before it had values. */
function readShape(reader: ByteReader, what: string): number[] | undefined {
  const first = reader.uint32(what);
  const known = first === version1 || first === version2 || first === version3;
  if (first === version2 || first === version3) {
    const storage = reader.int32(what);
    if (storage === -1) return undefined;
    if (storage !== 0) throw new Error(`${what} is sparse; save it with .tostype('default')`);
  }
  // The oldest version has no magic number: it begins with the number of dimensions, and these have 32 bits.
  const dimensions = known ? reader.int32(what) : first;
  const none = first === version3 ? -1 : 0;
  if (dimensions === none) return undefined;
  if (dimensions < 0 || dimensions > mostDimensions) {
    throw new Error(`${what} has ${dimensions} dimensions; the file is damaged or newer than this reader`);
  }
  return Array.from({ length: dimensions }, () => (known ? reader.int64(what) : reader.uint32(what)));
}
