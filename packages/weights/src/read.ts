import { isMxnet, parseMxnet } from './mxnet.js';
import { parseSafetensors } from './safetensors.js';
import type { StoredTensor } from './stored.js';
import { isLegacy } from './torch/legacy.js';
import { isTar, isZip, parseTorch } from './torch.js';

/**
 * Which layout filters have: `'OIHW'` is PyTorch's and MXNet's (dense weights `[out, in]`), `'HWIO'` TensorFlow.js' and ours
 * (dense weights `[in, out]`).
 */
export type Layout = 'OIHW' | 'HWIO';

export interface Weights {
  format: 'safetensors' | 'torch' | 'mxnet';
  tensors: Record<string, StoredTensor>;
  /** Of safetensors; empty for the other formats. */
  metadata: Record<string, string>;
  /** Where the file says it; `undefined` for safetensors without `layout` or PyTorch's `format: pt` in their metadata. */
  layout: Layout | undefined;
  /** What was done or passed over on the way, one line each. */
  notes: string[];
}

/**
 * Reads a weight file of any accepted format, which its content decides: safetensors, PyTorch's state dicts, MXNet's
 * `.params`. Values may be views of `bytes`.
 *
 * @throws Error saying what the file is instead, or what is damaged.
 * @example
 * const { tensors, layout } = readWeights(await readFile('weights.bin'));
 */
export function readWeights(bytes: Uint8Array): Weights {
  if (isMxnet(bytes)) return { format: 'mxnet', metadata: {}, layout: 'OIHW', ...parseMxnet(bytes) };
  if (isZip(bytes) || isLegacy(bytes) || isTar(bytes) || bytes[0] === 0x80) {
    // A header of safetensors could be 0x80 bytes long; JSON follows it.
    if (!looksLikeSafetensors(bytes)) return { format: 'torch', metadata: {}, layout: 'OIHW', ...parseTorch(bytes) };
  }
  if (looksLikeSafetensors(bytes)) {
    const { tensors, metadata } = parseSafetensors(bytes);
    return { format: 'safetensors', tensors, metadata, layout: layoutOf(metadata), notes: [] };
  }
  throw new Error(`the file is ${guess(bytes)}; safetensors, state dicts of torch.save and MXNet's .params are read`);
}

/** Eight bytes of a length, then an object of JSON. */
const looksLikeSafetensors = (bytes: Uint8Array): boolean => bytes[8] === 0x7b && bytes[6] === 0 && bytes[7] === 0;

function layoutOf({ layout, format }: Record<string, string>): Layout | undefined {
  if (layout === 'HWIO' || layout === 'OIHW') return layout;
  if (layout !== undefined)
    throw new Error(`the metadata has the layout ${JSON.stringify(layout.slice(0, 40))}; OIHW or HWIO is read`);
  return format === 'pt' ? 'OIHW' : undefined;
}

const known: readonly [start: string, what: string][] = [
  ['\x89HDF', 'HDF5, as Keras writes it'],
  ['version https://git-lfs', 'a pointer of Git LFS, not the file itself (git lfs pull gets it)'],
  ['\x93NUMPY', 'an array of NumPy'],
  ['\x1f\x8b', 'compressed by gzip (unpack it first)'],
  ['<', 'a page of HTML or XML (a failed download, perhaps)'],
  ['{', 'JSON'],
];

function guess(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'empty';
  const start = String.fromCharCode(...bytes.subarray(0, 32));
  return known.find(([text]) => start.startsWith(text))?.[1] ?? 'of an unknown format';
}
