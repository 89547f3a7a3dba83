import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { backend_util, type TensorInfo, Transpose, util } from '@tensorflow/tfjs-core';
import { call, release } from './kernel.js';

/** A tensor seen as `[outer, n, inner]`, of which the middle is to be reduced. */
export interface Reduction {
  x: TensorInfo;
  outer: number;
  n: number;
  inner: number;
  /** Shape of the result. */
  shape: number[];
}

/** Calls `f` with x in the order that the reduction of some axes needs: as it is where they follow each other. */
export function reducing<T>(
  backend: WebGPUBackend,
  x: TensorInfo,
  axis: number | number[],
  keepDims: boolean,
  f: (reduction: Reduction) => T,
): T {
  const axes = util.parseAxisParam(axis, x.shape).sort((a, b) => a - b);
  const kept = x.shape.filter((_, i) => !axes.includes(i));
  const shape = keepDims ? backend_util.expandShapeToKeepDim(kept, axes) : kept;
  const first = axes[0] ?? 0;
  const last = axes.at(-1) ?? -1;
  if (last - first + 1 === axes.length) {
    const size = (from: number, to: number) => util.sizeFromShape(x.shape.slice(from, to));
    return f({ x, outer: size(0, first), n: size(first, last + 1), inner: size(last + 1, x.shape.length), shape });
  }
  const perm = [...x.shape.keys()].filter((i) => !axes.includes(i)).concat(axes);
  const moved = call(Transpose, { x }, { perm }, backend);
  const outer = util.sizeFromShape(kept);
  const result = f({ x: moved, outer, n: util.sizeFromShape(x.shape) / outer, inner: 1, shape });
  release(backend, moved);
  return result;
}
