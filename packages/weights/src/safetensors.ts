import { bytesPerElement, decodeElements, type ElementType } from './elements.js';
import { duplicateKey } from './json-keys.js';
import { inOneLine } from './one-line.js';
import { formatShape, sizeOf, type StoredTensor } from './stored.js';

const elementTypes = new Map<unknown, ElementType>([
  ['F64', 'float64'],
  ['F32', 'float32'],
  ['F16', 'float16'],
  ['BF16', 'bfloat16'],
  ['I64', 'int64'],
  ['I32', 'int32'],
  ['I16', 'int16'],
  ['I8', 'int8'],
  ['U64', 'uint64'],
  ['U32', 'uint32'],
  ['U16', 'uint16'],
  ['U8', 'uint8'],
  ['BOOL', 'bool'],
]);

const fail = (what: string) => new Error(`${what}; the file is damaged or no safetensors file`);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export interface SafetensorsFile {
  tensors: Record<string, StoredTensor>;
  metadata: Record<string, string>;
}

/**
 * Reads a safetensors file: eight bytes with the header's length N (little endian), N bytes of JSON
 * (`name → {dtype, shape, data_offsets}`), then the values. All dtypes but the 8-bit floats are read, as float32;
 * values of F32 may be views of `bytes`.
 *
 * Source: the format's description at github.com/huggingface/safetensors.
 * @throws Error naming the tensor where the header lies (offsets that overlap, leave holes, lie beyond the file or do not
 * match shape and dtype; a key twice), and where bytes lack or are left over; nothing is half-read.
 * @example
 * const { tensors, metadata } = parseSafetensors(await readFile('model.safetensors'));
 */
export function parseSafetensors(bytes: Uint8Array): SafetensorsFile {
  return inOneLine(() => parse(bytes));
}

function parse(bytes: Uint8Array): SafetensorsFile {
  const { header, start } = readHeader(bytes);
  const { __metadata__: metadata = {}, ...entries } = header;
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw fail('__metadata__ is no map from strings to strings');
  }
  const data = bytes.subarray(start);
  const found = Object.entries(entries).map(([name, entry]) => locate(name, entry, data.byteLength));
  requireWhole(found, data.byteLength);
  const tensors = found.map(({ name, shape, type, begin, end }): [string, StoredTensor] => [
    name,
    { shape, values: decodeElements(data.subarray(begin, end), type) },
  ]);
  return { tensors: Object.fromEntries(tensors), metadata: metadata as Record<string, string> };
}

function readHeader(bytes: Uint8Array): { header: Record<string, unknown>; start: number } {
  if (bytes.byteLength < 8) throw fail(`${bytes.byteLength} bytes are too few`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (8 + length > bytes.byteLength) throw fail(`the header claims ${length} bytes of ${bytes.byteLength}`);
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + length));
    header = JSON.parse(text);
  } catch {
    throw fail('the header is no JSON');
  }
  if (!isRecord(header)) throw fail('the header is no JSON object');
  const twice = duplicateKey(text);
  if (twice !== undefined) throw fail(`the header has ${JSON.stringify(twice)} twice`);
  return { header, start: 8 + length };
}

interface Located {
  name: string;
  shape: number[];
  type: ElementType;
  begin: number;
  end: number;
}

function locate(name: string, entry: unknown, available: number): Located {
  if (!isRecord(entry)) throw fail(`${name} has no dtype, shape and data_offsets`);
  const { dtype, shape, data_offsets: offsets } = entry;
  const type = elementTypes.get(dtype);
  if (type === undefined) {
    const known = [...elementTypes.keys()].join(', ');
    throw new Error(`${name} has dtype ${JSON.stringify(dtype)}; ${known} are read: save it as one of these`);
  }
  if (!Array.isArray(shape)) throw fail(`${name} has no shape`);
  if (!Array.isArray(offsets) || offsets.length !== 2) throw fail(`${name} has no two data_offsets`);
  const [begin, end] = offsets as number[];
  const size = sizeOf(shape as number[]);
  if (Number.isNaN(size)) throw fail(`${name} has the shape ${formatShape(shape)}`);
  const fits =
    Number.isSafeInteger(begin) &&
    Number.isSafeInteger(end) &&
    begin !== undefined &&
    end !== undefined &&
    begin >= 0 &&
    end - begin === bytesPerElement[type] * size &&
    end <= available;
  if (!fits) {
    throw fail(`${name} ${formatShape(shape)} does not fit the bytes ${String(offsets[0])} to ${String(offsets[1])}`);
  }
  return { name, shape: shape as number[], type, begin, end };
}

/** Each byte of the data belongs to one tensor. */
function requireWhole(found: readonly Located[], available: number): void {
  let position = 0;
  for (const { name, begin, end } of [...found].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin < position) throw fail(`${name} begins at byte ${begin}, within the tensor before it`);
    if (begin > position) throw fail(`the bytes ${position} to ${begin}, before ${name}, belong to no tensor`);
    position = end;
  }
  if (position < available) throw fail(`${available - position} bytes follow the last tensor`);
}

/**
 * The bytes of a safetensors file of F32 tensors in the given order, in parts to be written one after the other: the
 * header, padded so that the values start at a multiple of eight, then the tensors' own bytes, not copied.
 *
 * @throws Error naming a tensor whose values do not fill its shape.
 * @example
 * for (const part of safetensorsParts(tensors)) await file.write(part);
 */
export function safetensorsParts(
  tensors: Readonly<Record<string, StoredTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const header: [string, unknown][] = [['__metadata__', metadata]];
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    if (name === '__metadata__')
      throw new Error('safetensors keeps the name __metadata__ for itself; rename the tensor');
    if (sizeOf(shape) !== values.length) {
      throw new Error(`${name} has ${values.length} values, which do not fill its shape ${formatShape(shape)}`);
    }
    header.push([name, { dtype: 'F32', shape, data_offsets: [offset, offset + values.byteLength] }]);
    parts.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    offset += values.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const padded = Math.ceil(json.length / 8) * 8;
  const head = new Uint8Array(8 + padded).fill(0x20, 8);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(json, 8);
  return [head, ...parts];
}

/**
 * A safetensors file of F32 tensors, sorted by name: the same tensors give the same bytes. For PyTorch's names and layouts
 * see `torchWeights`.
 *
 * @throws Error naming a tensor whose values do not fill its shape.
 * @example
 * await writeFile('model.safetensors', serializeSafetensors(tensors, { layout: 'HWIO' }));
 */
export function serializeSafetensors(
  tensors: Readonly<Record<string, StoredTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const parts = safetensorsParts(sortedByName(tensors), sortedByName(metadata));
  const file = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let position = 0;
  for (const part of parts) {
    file.set(part, position);
    position += part.byteLength;
  }
  return file;
}

function sortedByName<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
