import { inOneLine } from './one-line.js';
import { sizeOf, type StoredTensor } from './stored.js';
import { readArchive } from './torch/archive.js';
import { fix } from './torch/globals.js';
import { isLegacy, readLegacy } from './torch/legacy.js';
import { materialize } from './torch/materialize.js';
import { findStateDict, listed } from './torch/state-dict.js';
import type { TorchFile } from './torch/torch-file.js';
import type { Storage, TensorView } from './torch/values.js';

/** Tensors, and what was done or passed over on the way, one line each. */
export interface ParsedWeights {
  tensors: Record<string, StoredTensor>;
  notes: string[];
}

/** Whether the file begins as a zip archive does. */
export const isZip = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;

/** Whether the file is a tar archive. */
export const isTar = (bytes: Uint8Array): boolean => new TextDecoder().decode(bytes.subarray(257, 262)) === 'ustar';

/**
 * Reads the state dict of a file of torch.save: the zip archive (PyTorch 1.6 and later) and the older format, values of
 * any dtype as float32. A training script's `state_dict`, `model_state_dict` or `model` is taken out of the dict around
 * it. **No code runs**: the pickle may name only what a state dict needs.
 *
 * Values may be views of `bytes`, and tensors that share a storage in the file share it here.
 * @throws Error naming the opcode or global that is refused (a whole pickled module, TorchScript), or what is damaged.
 * @example
 * const { tensors, notes } = parseTorch(await readFile('resnet50.pth'));
 */
export function parseTorch(bytes: Uint8Array): ParsedWeights {
  return inOneLine(() => parse(bytes));
}

function parse(bytes: Uint8Array): ParsedWeights {
  const file = open(bytes);
  const { tensors, ignored, wrapper } = findStateDict(file.value);
  requireSane(tensors, bytes.byteLength);
  const wanted = new Map<string, Storage>();
  for (const { storage } of tensors.values()) wanted.set(storage.key, storage);
  const data = file.storages(wanted);
  const values = [...tensors].map(([name, view]): [string, StoredTensor] => {
    const stored = data.get(view.storage.key);
    if (stored === undefined) throw new Error(`${name} lies in storage ${view.storage.key}, which the file lacks`);
    return [name, materialize(view, stored, file.littleEndian)];
  });
  const notes: string[] = [];
  if (wrapper !== undefined) notes.push(`took ${wrapper} out of the checkpoint`);
  if (ignored.length > 0) notes.push(`ignored ${listed(ignored)}`);
  return { tensors: Object.fromEntries(values), notes };
}

function open(bytes: Uint8Array): TorchFile {
  if (isZip(bytes)) return readArchive(bytes);
  if (isLegacy(bytes)) return readLegacy(bytes);
  if (isTar(bytes))
    throw new Error(`the file is a tar archive, as PyTorch wrote before 0.1.10; load it there, and ${fix}`);
  if (bytes[0] === 0x80) throw new Error(`the file is a pickle, but not one of torch.save; ${fix}`);
  throw new Error('the file is none of torch.save: neither its zip archive nor its older format');
}

/** Views may overlap: a few bytes could ask for a memory full of them. */
function requireSane(tensors: ReadonlyMap<string, TensorView>, fileBytes: number): void {
  const most = 2 * fileBytes + 1_000_000;
  let total = 0;
  for (const [name, { shape }] of tensors) {
    total += sizeOf(shape);
    if (total > most) {
      throw new Error(
        `up to ${name} the tensors have ${total} values, too many for ${fileBytes} bytes; clone() them first`,
      );
    }
  }
}
