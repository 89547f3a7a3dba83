import type { Random } from '@bag/random';
import type { Box, FloatImage, RawImage } from '../image.js';
import { type Interpolation, resize } from './resize.js';

/**
 * Copies a rectangle, which may reach over the edge; what lies outside is black.
 *
 * @example
 * const middle = crop(image, { top: 8, left: 8, height: 16, width: 16 });
 */
export function crop(image: RawImage | FloatImage, { top, left, height, width }: Box): FloatImage {
  const data = new Float32Array(height * width * 3);
  const firstX = Math.max(0, -left);
  const lastX = Math.min(width, image.width - left);
  for (let y = Math.max(0, -top); y < Math.min(height, image.height - top); y++) {
    let to = (y * width + firstX) * 3;
    let from = ((y + top) * image.width + left + firstX) * 3;
    for (const end = to + Math.max(0, lastX - firstX) * 3; to < end;) data[to++] = image.data[from++] as number;
  }
  return { data, height, width };
}

/**
 * Mirrors an image left to right, in place.
 *
 * @example
 * const mirrored = flip(image);
 */
export function flip(image: FloatImage): FloatImage {
  const { data, height, width } = image;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width >> 1; x++) {
      for (let c = 0; c < 3; c++) {
        const a = (y * width + x) * 3 + c;
        const b = (y * width + width - 1 - x) * 3 + c;
        const value = data[a] as number;
        data[a] = data[b] as number;
        data[b] = value;
      }
    }
  }
  return image;
}

/**
 * The shorter edge to `edge`, then the `size`×`size` in the middle, as torchvision rounds both. An image of 8 bits stays
 * one of whole numbers, as in PIL.
 *
 * @example
 * const { height } = resizeAndCenterCrop(image, 256, 224); // 224
 */
export function resizeAndCenterCrop(
  image: RawImage | FloatImage,
  edge: number,
  size: number,
  interpolation: Interpolation = 'bilinear',
): FloatImage {
  const { resized, window } = centerWindow(image.height, image.width, edge, size);
  const { height, width } = resized;
  const isThatSize = height === image.height && width === image.width;
  const rounded = image.data instanceof Uint8Array;
  return crop(isThatSize ? image : resize(image, height, width, undefined, { interpolation, rounded }), window);
}

/** What size an image gets whose shorter edge becomes `edge`, and where the middle of that lies. */
export function centerWindow(imageHeight: number, imageWidth: number, edge: number, size: number) {
  const shorter = Math.min(imageHeight, imageWidth);
  const [height, width] = [imageHeight, imageWidth].map((n) => Math.floor((n * edge) / shorter)) as [number, number];
  const [top, left] = [height, width].map((n) => roundHalfToEven((n - size) / 2)) as [number, number];
  return { resized: { height, width }, window: { top, left, height: size, width: size } };
}

/** Python's `round`, which torchvision's crop uses. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * The rectangle of a random resized crop: area uniform in [8 %, 100 %] of the image, aspect ratio log-uniform in
 * [3/4, 4/3]. Ten tries; then the largest rectangle in the middle with an allowed ratio.
 *
 * Source: Szegedy et al. 2015, section 6; the fallback is torchvision's.
 * @example
 * const box = randomResizedBox(image.height, image.width, random);
 * const cropped = resize(image, 224, 224, box);
 */
export function randomResizedBox(
  height: number,
  width: number,
  random: Random,
  { area = [0.08, 1], ratio = [3 / 4, 4 / 3] }: { area?: [number, number]; ratio?: [number, number] } = {},
): Box {
  const logRatio = ratio.map(Math.log) as [number, number];
  for (let attempt = 0; attempt < 10; attempt++) {
    const target = height * width * (area[0] + (area[1] - area[0]) * random());
    const aspect = Math.exp(logRatio[0] + (logRatio[1] - logRatio[0]) * random());
    const w = Math.round(Math.sqrt(target * aspect));
    const h = Math.round(Math.sqrt(target / aspect));
    if (w > 0 && h > 0 && w <= width && h <= height) {
      return { top: random.integer(height - h + 1), left: random.integer(width - w + 1), height: h, width: w };
    }
  }
  const whole = width / height;
  const w = whole > ratio[1] ? Math.round(height * ratio[1]) : width;
  const h = whole < ratio[0] ? Math.round(width / ratio[0]) : height;
  return { top: (height - h) >> 1, left: (width - w) >> 1, height: h, width: w };
}
