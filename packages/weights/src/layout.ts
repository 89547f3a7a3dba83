import type { StoredTensor } from './stored.js';

/**
 * The shape that PyTorch gives a parameter of ours: `[height, width, from, to]` → `[to, from, height, width]`, depthwise
 * `[height, width, channels, 1]` → `[channels, 1, height, width]`, dense `[from, to]` → `[to, from]`, else as it is.
 */
export function torchShape({ role, shape }: { role: string; shape: readonly number[] }): number[] {
  if (role !== 'weight') return [...shape];
  const [a = 0, b = 0, c = 0, d = 0] = shape;
  if (shape.length === 2) return [b, a];
  if (shape.length !== 4) return [...shape];
  return d === 1 ? [c, 1, a, b] : [d, c, a, b];
}

const isTransposed = (role: string, rank: number) => role === 'weight' && (rank === 2 || rank === 4);

/** What torch has, in our layout; a new array. */
export function fromTorch(
  { values }: StoredTensor,
  { role, shape }: { role: string; shape: readonly number[] },
): StoredTensor {
  if (!isTransposed(role, shape.length)) return { shape: [...shape], values: values.slice() };
  const { positions, from, to } = extents(shape);
  const out = new Float32Array(values.length);
  // [to, from, positions] → [positions, from, to], sixteen outputs at a time: they fill a cache line.
  for (let start = 0; start < to; start += 16) {
    const stop = Math.min(start + 16, to);
    for (let i = 0; i < from; i++) {
      for (let p = 0; p < positions; p++) {
        const row = (p * from + i) * to;
        for (let o = start; o < stop; o++) out[row + o] = values[(o * from + i) * positions + p] as number;
      }
    }
  }
  return { shape: [...shape], values: out };
}

/** The inverse; a new array. */
function toTorch({ role, shape, values }: StoredTensor & { role: string }): StoredTensor {
  if (!isTransposed(role, shape.length)) return { shape: [...shape], values: values.slice() };
  const { positions, from, to } = extents(shape);
  const out = new Float32Array(values.length);
  for (let start = 0; start < to; start += 16) {
    const stop = Math.min(start + 16, to);
    for (let i = 0; i < from; i++) {
      for (let p = 0; p < positions; p++) {
        const row = (p * from + i) * to;
        for (let o = start; o < stop; o++) out[(o * from + i) * positions + p] = values[row + o] as number;
      }
    }
  }
  return { shape: torchShape({ role, shape }), values: out };
}

/** A depthwise filter is one of `channels` outputs that read one input each. */
function extents(shape: readonly number[]): { positions: number; from: number; to: number } {
  const [a = 0, b = 0, c = 0, d = 0] = shape;
  if (shape.length === 2) return { positions: 1, from: a, to: b };
  return d === 1 ? { positions: a * b, from: 1, to: c } : { positions: a * b, from: c, to: d };
}

/**
 * Parameters in PyTorch's layout: filters `[to, from, height, width]`, dense weights `[to, from]`. A filter with one output
 * `[height, width, channels, 1]` counts as depthwise: `[channels, 1, height, width]`. The names of this project's networks
 * are PyTorch's already. New arrays.
 *
 * @example
 * const file = serializeSafetensors(torchWeights(parameters), { format: 'pt', layout: 'OIHW' });
 */
export function torchWeights(
  parameters: Readonly<Record<string, StoredTensor & { role: string }>>,
): Record<string, StoredTensor> {
  return Object.fromEntries(Object.entries(parameters).map(([name, parameter]) => [name, toTorch(parameter)]));
}
