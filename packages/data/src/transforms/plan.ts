import type { Random } from '@bag/random';
import type { Box, FloatImage, RawImage } from '../image.js';
import { addShift, changeColors, type ColorChange, type ColorJitter, drawColors, drawLighting } from './color.js';
import { centerWindow, crop, flip, randomResizedBox } from './geometry.js';
import { type Interpolation, resize } from './resize.js';

/** A built-in transform as plain data: `transformOf` makes it again in another thread. */
export type TransformDescription =
  | { kind: 'pad-crop-flip'; size: number; padding: number }
  | { kind: 'imagenet-train'; size: number; jitter: ColorJitter; lighting: boolean }
  | { kind: 'center-crop'; size: number; resize: number; interpolation: Interpolation };

/** What is done to one image, with all that is random drawn: what another implementation needs to do the same. */
export interface Plan {
  /** Size of the image that it is for. */
  image: { height: number; width: number };
  /** The part that is resized to `resized`, */
  box: Box;
  resized: { height: number; width: number };
  interpolation: Interpolation;
  /** Whether that gives whole numbers; then nothing is mirrored. */
  rounded: boolean;
  /** and the part of that which is kept, wholly inside. */
  window: Box;
  mirror: boolean;
  colors: readonly ColorChange[];
  /** What is added to red, green and blue in the end. */
  shift: readonly [number, number, number];
}

const noShift = [0, 0, 0] as const;

/** Draws what a transform does to an image of a size. Undefined where it is no resizing, or reaches beyond the image. */
export function planOf(
  description: TransformDescription,
  image: { height: number; width: number },
  random: Random,
): Plan | undefined {
  const { height, width } = image;
  const { size } = description;
  if (description.kind === 'imagenet-train') {
    const box = randomResizedBox(height, width, random);
    const mirror = random() < 0.5;
    const colors = drawColors(description.jitter, random);
    const shift = description.lighting ? drawLighting(random) : noShift;
    const resized = { height: size, width: size };
    const window = { top: 0, left: 0, ...resized };
    const plan = { image: { height, width }, box, resized, window, mirror, colors, shift };
    return { ...plan, interpolation: 'bilinear', rounded: false };
  }
  if (description.kind === 'pad-crop-flip') return undefined;
  const { resized, window } = centerWindow(height, width, description.resize, size);
  if (window.top < 0 || window.left < 0) return undefined;
  const box = { top: 0, left: 0, height, width };
  const { interpolation } = description;
  const plan = { image: { height, width }, box, resized, interpolation, window, colors: [], shift: noShift };
  return { ...plan, rounded: true, mirror: false };
}

/** Carries a plan out: the reference that faster code must equal. */
export function carryOut(image: RawImage, plan: Plan): FloatImage {
  const { box, resized, interpolation, rounded, window, mirror, colors, shift } = plan;
  const whole = resize(image, resized.height, resized.width, box, { interpolation, rounded });
  const isWhole = window.height === resized.height && window.width === resized.width;
  const kept = isWhole ? whole : crop(whole, window);
  return addShift(changeColors(mirror ? flip(kept) : kept, colors), shift);
}
