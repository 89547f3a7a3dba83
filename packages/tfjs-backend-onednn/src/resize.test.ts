import * as tf from '@tensorflow/tfjs';
import { expectAllClose } from '@bag/testing';
import { describe, expect, it } from 'vitest';
import { checkEachTest } from './fixtures/onednn.js';

checkEachTest();

type Size = [number, number];
type Weights = number[][];

interface Case {
  from: Size;
  to: Size;
  align: boolean;
  half: boolean;
}

const modes: [boolean, boolean][] = [
  [false, false],
  [true, false],
  [false, true],
];
const sizes: [Size, Size][] = [
  [[3, 4], [6, 7]],
  [[7, 5], [3, 2]],
  [[1, 1], [4, 3]],
  [[4, 6], [1, 1]],
  [[5, 5], [5, 5]],
  [[2, 9], [8, 4]],
]; // prettier-ignore
const cases: Case[] = sizes.flatMap(([from, to]) => modes.map(([align, half]) => ({ from, to, align, half })));

/** How much each original index weighs in each resized one, by the definition: a tent, or the nearest. */
function weightsOf(from: number, to: number, { align, half }: Case, nearest: boolean): Weights {
  return Array.from({ length: to }, (_, i) => {
    const scale = align && to > 1 ? (from - 1) / (to - 1) : from / to;
    const clamp = (at: number) => Math.min(from - 1, Math.max(0, at));
    const row = Array<number>(from).fill(0);
    if (nearest) {
      const at = (half ? i + 0.5 : i) * scale;
      row[clamp(align ? Math.round(at) : Math.floor(at))] = 1;
      return row;
    }
    const at = clamp(half ? (i + 0.5) * scale - 0.5 : i * scale);
    return row.map((_, k) => Math.max(0, 1 - Math.abs(at - k)));
  });
}

const batch = 2;
const random = (size: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(i * 12.9898) * 3);

/** Σ rows[r, h]·columns[c, w]·x[h, w], or with `transposed` the adjoint. */
function apply(x: Float32Array, channels: number, rows: Weights, columns: Weights, transposed: boolean): number[] {
  const [outer, inner] = [rows.length, columns.length];
  const [height, width] = [rows[0]?.length ?? 0, columns[0]?.length ?? 0];
  const result = Array<number>(batch * channels * (transposed ? height * width : outer * inner)).fill(0);
  for (let n = 0; n < batch; n++) {
    rows.forEach((ofRow, r) => {
      columns.forEach((ofColumn, c) => {
        ofRow.forEach((rowWeight, h) => {
          ofColumn.forEach((columnWeight, w) => {
            for (let k = 0; k < channels; k++) {
              const original = ((n * height + h) * width + w) * channels + k;
              const resized = ((n * outer + r) * inner + c) * channels + k;
              const [source, target] = transposed ? [resized, original] : [original, resized];
              result[target] = (result[target] ?? 0) + rowWeight * columnWeight * (x[source] ?? NaN);
            }
          });
        });
      });
    });
  }
  return result;
}

describe.each([
  ['resizeBilinear', false],
  ['resizeNearestNeighbor', true],
] as const)('%s', (name, nearest) => {
  const resize = tf.image[name];

  it.each(cases)('takes $from to $to, alignCorners $align, halfPixelCenters $half', (one) => {
    for (const channels of [1, 3, 8]) {
      const x = random(batch * one.from[0] * one.from[1] * channels);
      const rows = weightsOf(one.from[0], one.to[0], one, nearest);
      const columns = weightsOf(one.from[1], one.to[1], one, nearest);
      const images = tf.tensor4d(x, [batch, ...one.from, channels]);
      const y = resize(images, one.to, one.align, one.half);
      expect(y.shape).toEqual([batch, ...one.to, channels]);
      expectAllClose(y.dataSync(), apply(x, channels, rows, columns, false), { relative: 1e-6, absolute: 2e-6 });

      const dy = random(y.size);
      const gradient = tf.tidy(() =>
        tf.grad((t) => resize(t as tf.Tensor4D, one.to, one.align, one.half))(images, tf.tensor(dy, y.shape)),
      );
      expect(gradient.shape).toEqual(images.shape);
      expectAllClose(gradient.dataSync(), apply(dy, channels, rows, columns, true), { relative: 1e-6, absolute: 2e-6 });
      tf.dispose([images, y, gradient]);
    }
  });

  it('takes integers', () => {
    const images = tf.tensor4d([0, 10, 20, 30], [1, 2, 2, 1], 'int32');
    const y = resize(images, [2, 4]);
    expect(y.dtype).toBe(nearest ? 'int32' : 'float32');
    expect(Array.from(y.dataSync())).toEqual(nearest ? [0, 0, 10, 10, 20, 20, 30, 30] : [0, 5, 10, 10, 20, 25, 30, 30]);
    tf.dispose([images, y]);
  });
});
