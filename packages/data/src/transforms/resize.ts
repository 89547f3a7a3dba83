import type { Box, FloatImage, RawImage } from '../image.js';

/** How pixels between pixels are found: PIL's filters, both widened where the image shrinks. */
export type Interpolation = 'bilinear' | 'bicubic';

export interface ResizeOptions {
  interpolation?: Interpolation;
  /** Whether the columns and then the rows are rounded to whole numbers, as PIL does with images of 8 bits. */
  rounded?: boolean;
}

/**
 * A part of an image, resized: with a triangle (bilinear) or Keys' cubic with a = −0.5 (bicubic), widened by the scale where
 * the image shrinks, so that every pixel counts (PIL's `BILINEAR` and `BICUBIC`, torchvision's `antialias`).
 *
 * @returns `[height, width, 3]` in [0, 255], not rounded unless asked for.
 * @example
 * const half = resize(image, image.height / 2, image.width / 2);
 */
export function resize(
  image: RawImage | FloatImage,
  height: number,
  width: number,
  box: Box = { top: 0, left: 0, height: image.height, width: image.width },
  { interpolation = 'bilinear', rounded = false }: ResizeOptions = {},
): FloatImage {
  const how = { interpolation, rounded };
  const rows = taps(box.top, box.height, image.height, height, how);
  const columns = taps(box.left, box.width, image.width, width, how);
  const first = rows.starts.reduce((least, start) => Math.min(least, start), Infinity);
  const last = rows.starts.reduce((most, start, i) => Math.max(most, start + (rows.counts[i] as number)), 0);
  const whole = rounded ? nearestByte : (v: number) => v;
  const narrow = new Float32Array((last - first) * width * 3);
  for (let y = first, to = 0; y < last; y++) {
    for (let x = 0; x < width; x++) {
      let from = (y * image.width + (columns.starts[x] as number)) * 3;
      let [r, g, b] = [0, 0, 0];
      for (let k = x * columns.most; k < x * columns.most + (columns.counts[x] as number); k++) {
        const weight = columns.weights[k] as number;
        r += weight * (image.data[from++] as number);
        g += weight * (image.data[from++] as number);
        b += weight * (image.data[from++] as number);
      }
      narrow[to++] = whole(r);
      narrow[to++] = whole(g);
      narrow[to++] = whole(b);
    }
  }
  const data = new Float32Array(height * width * 3);
  const sums = new Float64Array(width * 3);
  for (let y = 0; y < height; y++) {
    sums.fill(0);
    for (let k = 0; k < (rows.counts[y] as number); k++) {
      const weight = rows.weights[y * rows.most + k] as number;
      const from = ((rows.starts[y] as number) - first + k) * width * 3;
      for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + weight * (narrow[from + i] as number);
    }
    data.set(rounded ? sums.map(nearestByte) : sums, y * sums.length);
  }
  // Negative weights overshoot.
  if (interpolation === 'bicubic') for (const [i, v] of data.entries()) data[i] = Math.min(255, Math.max(0, v));
  return { data, height, width };
}

/** The nearest whole number in [0, 255], halves up. */
const nearestByte = (value: number) => Math.min(255, Math.max(0, Math.floor(value + 0.5)));

/** PIL weighs bytes in fixed point of so many units. */
export const fixedPointOne = 2 ** 22;

/** For each output position, which input positions it averages, and how much of each. */
export interface Taps {
  starts: Int32Array;
  counts: Int32Array;
  /** `most` for each output, the largest of `counts`; those beyond its own are 0. */
  weights: Float64Array;
  most: number;
}

/** Taps of the outputs [first, first + count) of `outSize`, over `size` positions from `offset`, of `limit` in all. */
export function taps(
  offset: number,
  size: number,
  limit: number,
  outSize: number,
  {
    interpolation = 'bilinear',
    rounded = false,
    first = 0,
    count = outSize,
  }: ResizeOptions & { first?: number; count?: number } = {},
): Taps {
  const scale = size / outSize;
  const stretch = Math.max(scale, 1);
  const { reach, weigh } = filters[interpolation];
  const support = reach * stretch;
  const [starts, counts] = [new Int32Array(count), new Int32Array(count)];
  const center = (i: number) => offset + (first + i + 0.5) * scale;
  for (let i = 0; i < count; i++) {
    const start = Math.max(Math.floor(center(i) - support + 0.5), Math.max(0, Math.floor(offset)));
    const end = Math.min(Math.floor(center(i) + support + 0.5), Math.min(limit, Math.ceil(offset + size)));
    starts[i] = start;
    counts[i] = end - start;
  }
  const most = counts.reduce((a, b) => Math.max(a, b), 0);
  const weights = new Float64Array(count * most);
  const values = new Float64Array(most);
  for (let i = 0; i < count; i++) {
    const [start, n] = [starts[i] as number, counts[i] as number];
    let sum = 0;
    for (let k = 0; k < n; k++) {
      const weight = weigh(Math.abs(start + k + 0.5 - center(i)) / stretch);
      values[k] = weight;
      sum += weight;
    }
    for (let k = 0; k < n; k++) {
      const weight = (values[k] as number) / sum;
      weights[i * most + k] = rounded ? inFixedPoint(weight) : weight;
    }
  }
  return { starts, counts, weights, most };
}

/** Halves away from zero. */
const inFixedPoint = (weight: number) =>
  (Math.sign(weight) * Math.floor(Math.abs(weight) * fixedPointOne + 0.5)) / fixedPointOne;

/** How far a filter reaches, and its weight at a distance. */
const filters: Record<Interpolation, { reach: number; weigh: (distance: number) => number }> = {
  bilinear: { reach: 1, weigh: (x) => Math.max(0, 1 - x) },
  // Keys 1981, with a = −0.5.
  bicubic: {
    reach: 2,
    weigh: (x) => {
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
    },
  },
};
