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
  return { shape: [...shape], values: reversed(values, [to, from, positions]) };
}

/** The inverse; a new array. */
function toTorch({ role, shape, values }: StoredTensor & { role: string }): StoredTensor {
  if (!isTransposed(role, shape.length)) return { shape: [...shape], values: values.slice() };
  const { positions, from, to } = extents(shape);
  return { shape: torchShape({ role, shape }), values: reversed(values, [positions, from, to]) };
}

/** `[a, b, c]` → `[c, b, a]`, sixteen outputs at a time: they fill a cache line. */
function reversed(values: Float32Array, [a, b, c]: readonly [number, number, number]): Float32Array {
  const out = new Float32Array(values.length);
  for (let start = 0; start < a; start += 16) {
    const stop = Math.min(start + 16, a);
    for (let j = 0; j < b; j++) {
      for (let k = 0; k < c; k++) {
        const row = (k * b + j) * a;
        for (let i = start; i < stop; i++) out[row + i] = values[(i * b + j) * c + k] as number;
      }
    }
  }
  return out;
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
