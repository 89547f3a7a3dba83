import type { Box, FloatImage, RawImage } from '../image.js';

/**
 * A part of an image, resized: bilinear, with the triangle widened by the scale where the image shrinks, so that every
 * pixel counts (PIL's `BILINEAR`, torchvision's `antialias`).
 *
 * @returns `[height, width, 3]` in [0, 255], not rounded.
 * @example
 * const half = resize(image, image.height / 2, image.width / 2);
 */
export function resize(
  image: RawImage | FloatImage,
  height: number,
  width: number,
  box: Box = { top: 0, left: 0, height: image.height, width: image.width },
): FloatImage {
  const rows = taps(box.top, box.height, image.height, height);
  const columns = taps(box.left, box.width, image.width, width);
  const first = Math.min(...rows.map(({ start }) => start));
  const last = Math.max(...rows.map(({ start, weights }) => start + weights.length));
  const narrow = new Float32Array((last - first) * width * 3);
  for (let y = first, to = 0; y < last; y++) {
    for (const { start, weights } of columns) {
      let from = (y * image.width + start) * 3;
      let [r, g, b] = [0, 0, 0];
      for (const weight of weights) {
        r += weight * (image.data[from++] as number);
        g += weight * (image.data[from++] as number);
        b += weight * (image.data[from++] as number);
      }
      narrow[to++] = r;
      narrow[to++] = g;
      narrow[to++] = b;
    }
  }
  const data = new Float32Array(height * width * 3);
  for (const [y, { start, weights }] of rows.entries()) {
    const to = y * width * 3;
    for (const [k, weight] of weights.entries()) {
      const from = (start - first + k) * width * 3;
      for (let i = 0; i < width * 3; i++)
        data[to + i] = (data[to + i] as number) + weight * (narrow[from + i] as number);
    }
  }
  return { data, height, width };
}

/** For each output position, the input positions that it averages, and how much of each. */
function taps(offset: number, size: number, limit: number, outSize: number): { start: number; weights: number[] }[] {
  const scale = size / outSize;
  const support = Math.max(scale, 1);
  return Array.from({ length: outSize }, (_, i) => {
    const center = offset + (i + 0.5) * scale;
    const start = Math.max(Math.floor(center - support + 0.5), Math.max(0, Math.floor(offset)));
    const end = Math.min(Math.floor(center + support + 0.5), Math.min(limit, Math.ceil(offset + size)));
    const weights: number[] = [];
    for (let j = start; j < end; j++) weights.push(Math.max(0, 1 - Math.abs(j + 0.5 - center) / support));
    const sum = weights.reduce((a, b) => a + b, 0);
    return { start, weights: weights.map((weight) => weight / sum) };
  });
}
