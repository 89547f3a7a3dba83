import type { PickleValue, Storage } from './values.js';

/** What both of PyTorch's formats come to. */
export interface TorchFile {
  value: PickleValue;
  littleEndian: boolean;
  /** The bytes of the wanted storages, by key. */
  storages: (wanted: ReadonlyMap<string, Storage>) => ReadonlyMap<string, Uint8Array>;
}
