import { bytesPerElement } from '../elements.js';
import { ByteReader } from '../reader.js';
import { op } from './opcodes.js';
import type { TorchFile } from './torch-file.js';
import { unpickle } from './unpickle.js';
import { describe, type PickleValue, type Storage } from './values.js';

// LONG1 of ten bytes, the number 0x1950a86a20f9469cfc6c.
const magic = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/** Whether the file begins with the magic number of PyTorch's format before 1.6, in a pickle of any protocol. */
export function isLegacy(bytes: Uint8Array): boolean {
  if (bytes[0] !== op.proto) return false;
  const start = bytes[2] === op.frame ? 11 : 2;
  return magic.every((byte, i) => bytes[start + i] === byte);
}

/**
 * What torch.save wrote before PyTorch 1.6, and writes still if told to: five pickles (magic number, protocol, the system's
 * facts, the object, the storages' keys), then each storage's length and its values, little endian.
 *
 * @throws Error where a storage is cut off, unknown or left over.
 */
export function readLegacy(bytes: Uint8Array): TorchFile {
  const reader = new ByteReader(bytes);
  unpickle(reader); // the magic number
  const protocol = unpickle(reader).value;
  if (protocol !== 1001) {
    const found = typeof protocol === 'number' ? protocol : describe(protocol);
    throw new Error(`the file has PyTorch's protocol ${found}; 1001 is read`);
  }
  unpickle(reader); // the writer's byte order and integer sizes, which change nothing
  const { value, storages } = unpickle(reader);
  const keys = unpickle(reader).value;
  const found = readStorages(reader, keys, storages);
  return { value, littleEndian: true, storages: () => found };
}

function readStorages(
  reader: ByteReader,
  keys: PickleValue,
  storages: ReadonlyMap<string, Storage>,
): Map<string, Uint8Array> {
  if (!Array.isArray(keys)) throw new Error(`the storages are listed by ${describe(keys)}; the file is damaged`);
  const found = new Map<string, Uint8Array>();
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (storage === undefined || found.has(storage.key)) {
      throw new Error('the list of storages does not match the tensors; the file is damaged');
    }
    const what = `storage ${storage.key}`;
    const length = reader.int64(what);
    if (length !== storage.length) {
      throw new Error(`${what} has ${length} elements, not ${storage.length}; the file is damaged`);
    }
    found.set(storage.key, reader.elements(length, bytesPerElement[storage.type], what));
  }
  if (reader.left > 0) throw new Error(`${reader.left} bytes follow the last storage; the file is damaged`);
  return found;
}
