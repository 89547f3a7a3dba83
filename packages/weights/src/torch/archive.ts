import { unzipSync, type UnzipFileInfo } from 'fflate';
import { bytesPerElement } from '../elements.js';
import { ByteReader } from '../reader.js';
import { fix } from './globals.js';
import type { TorchFile } from './torch-file.js';
import { unpickle } from './unpickle.js';
import type { Storage } from './values.js';

const leastEntryBytes = 46; // of one entry in the archive's directory

/**
 * The zip archive that torch.save has written since PyTorch 1.6: `<name>/data.pkl`, and a storage each in
 * `<name>/data/<key>`.
 *
 * @throws Error for TorchScript, for an archive of anything else, and for a damaged one.
 */
export function readArchive(bytes: Uint8Array): TorchFile {
  const names = new Set<string>();
  extract(bytes, (name) => {
    names.add(name);
    return false;
  });
  const pickle = [...names].filter((name) => /(^|\/)data\.pkl$/.test(name)).sort((a, b) => a.length - b.length)[0];
  if (pickle === undefined) throw new Error(`the zip archive has no data.pkl: PyTorch did not write it; ${fix}`);
  const folder = pickle.slice(0, -'data.pkl'.length);
  if (names.has(`${folder}constants.pkl`) || [...names].some((name) => name.startsWith(`${folder}code/`))) {
    throw new Error(`the file is TorchScript (torch.jit.save), a program with its weights; ${fix}`);
  }
  const order = `${folder}byteorder`;
  const head = extract(bytes, (name) => name === pickle || name === order);
  const { value } = unpickle(new ByteReader(head.get(pickle) as Uint8Array));
  return {
    value,
    littleEndian: readByteOrder(head.get(order)),
    storages: (wanted) => readStorages(bytes, folder, wanted),
  };
}

function readByteOrder(bytes: Uint8Array | undefined): boolean {
  const order = bytes === undefined ? 'little' : new TextDecoder().decode(bytes.subarray(0, 16));
  if (order !== 'little' && order !== 'big')
    throw new Error(`byteorder is ${JSON.stringify(order)}; little or big is read`);
  return order === 'little';
}

function readStorages(
  bytes: Uint8Array,
  folder: string,
  wanted: ReadonlyMap<string, Storage>,
): Map<string, Uint8Array> {
  const nameOf = (key: string) => `${folder}data/${key}`;
  const names = new Set([...wanted.keys()].map(nameOf));
  const found = extract(bytes, (name) => names.has(name));
  const storages = new Map<string, Uint8Array>();
  for (const [key, { type, length }] of wanted) {
    const data = found.get(nameOf(key));
    if (data === undefined) throw new Error(`the archive lacks ${nameOf(key)}; it is damaged`);
    if (data.byteLength !== length * bytesPerElement[type]) {
      throw new Error(`${nameOf(key)} has ${data.byteLength} bytes, not ${length} values of ${type}; it is damaged`);
    }
    storages.set(key, data);
  }
  return storages;
}

/** The wanted entries. The directory is checked before anything is allocated. */
function extract(bytes: Uint8Array, wanted: (name: string) => boolean): Map<string, Uint8Array> {
  let entries = 0;
  let total = 0;
  const sizes = new Map<string, number>();
  const filter = ({ name, size, originalSize, compression }: UnzipFileInfo): boolean => {
    entries++;
    if (entries * leastEntryBytes > bytes.byteLength) throw new Error('the zip directory claims too many entries');
    if (!wanted(name)) return false;
    if (compression !== 0) throw new Error(`${name} is compressed, which torch.save never does; ${fix}`);
    total += size;
    if (size !== originalSize || !(total <= bytes.byteLength))
      throw new Error(`${name} claims ${size} bytes; it is damaged`);
    sizes.set(name, size);
    return true;
  };
  let found: Record<string, Uint8Array>;
  try {
    found = unzipSync(bytes, { filter });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`the zip archive is cut off or damaged: ${message}`, { cause: error });
  }
  const whole = new Map(Object.entries(found));
  for (const [name, size] of sizes) {
    if (whole.get(name)?.byteLength !== size) throw new Error(`${name} lacks bytes; the archive is damaged`);
  }
  return whole;
}
