import { readFile } from 'node:fs/promises';
import { writeFileAtomically } from './atomic.js';
import type { StoredTensor } from '../parameters.js';

/**
 * Writes fp32 tensors in the safetensors format: eight bytes with the header's length N (little endian), N bytes of
 * JSON (`name → {dtype, shape, data_offsets}`), then the values. The file appears whole or not at all.
 *
 * Source: the format's description at github.com/huggingface/safetensors.
 * @example
 * await writeSafetensors('model.safetensors', await storeParameters(network));
 */
export async function writeSafetensors(
  path: string,
  tensors: Record<string, StoredTensor>,
  metadata: Record<string, string> = {},
): Promise<void> {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + values.byteLength] };
    offset += values.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(json.length / 8) * 8; // the values start aligned
  const file = new Uint8Array(8 + padded + offset).fill(0x20, 8, 8 + padded);
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true);
  file.set(json, 8);
  let position = 8 + padded;
  for (const { values } of Object.values(tensors)) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), position);
    position += values.byteLength;
  }
  await writeFileAtomically(path, file);
}

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/**
 * Reads a safetensors file of fp32 tensors.
 * @throws Error naming the file and the tensor where the header lies or the data is cut off; nothing is half-read.
 * @example
 * loadParameters(network, await readSafetensors('model.safetensors'));
 */
export async function readSafetensors(path: string): Promise<Record<string, StoredTensor>> {
  const file = await readFile(path);
  const fail = (what: string) => new Error(`${path}: ${what}; the file is damaged or no safetensors file`);
  if (file.byteLength < 8) throw fail(`${file.byteLength} bytes are too few`);
  const length = Number(file.readBigUInt64LE(0));
  if (8 + length > file.byteLength) throw fail(`the header claims ${length} bytes of ${file.byteLength}`);
  let header: Record<string, Entry>;
  try {
    header = JSON.parse(file.toString('utf8', 8, 8 + length)) as Record<string, Entry>;
  } catch {
    throw fail('the header is no JSON');
  }
  const tensors: Record<string, StoredTensor> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, data_offsets: offsets } = entry;
    if (dtype !== 'F32') throw new Error(`${path}: ${name} has dtype ${dtype}; only F32 is read`);
    const [start, end] = offsets;
    const size = shape.reduce((a, b) => a * b, 1);
    if (end - start !== 4 * size || start < 0 || 8 + length + end > file.byteLength) {
      throw fail(`${name} [${shape.join(', ')}] does not fit the bytes ${start} to ${end}`);
    }
    const bytes = new Uint8Array(4 * size);
    bytes.set(file.subarray(8 + length + start, 8 + length + end));
    tensors[name] = { shape, values: new Float32Array(bytes.buffer) };
  }
  return tensors;
}
