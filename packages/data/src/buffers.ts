import type { Dataset } from './dataset.js';

/**
 * Memory for batches that threads write. It is kept with the data set and used again, epoch after epoch: the garbage
 * collector does not count shared memory, and would free it far too late.
 */
const kept = new WeakMap<Dataset, Float32Array[]>();

/** As many as batches are ever ahead, and some. */
const mostKept = 8;

export function takeBuffer(dataset: Dataset, length: number): Float32Array {
  const free = kept.get(dataset) ?? [];
  const at = free.findIndex((buffer) => buffer.length === length);
  const [found] = at < 0 ? [] : free.splice(at, 1);
  if (found !== undefined) return found;
  // A page that is not isolated has none; there is no thread of ours either.
  if (typeof SharedArrayBuffer === 'undefined') return new Float32Array(length);
  return new Float32Array(new SharedArrayBuffer(length * 4));
}

export function giveBuffer(dataset: Dataset, buffer: Float32Array): void {
  const free = kept.get(dataset) ?? [];
  free.push(buffer);
  // The oldest has a size that nobody asks for any more.
  if (free.length > mostKept) free.shift();
  kept.set(dataset, free);
}
