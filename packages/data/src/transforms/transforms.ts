import type { Random } from '@bag/random';
import type { FloatImage, RawImage } from '../image.js';
import { type ColorJitter, colorJitter, lighting } from './color.js';
import { crop, flip, randomResizedBox, resizeAndCenterCrop } from './geometry.js';
import { resize } from './resize.js';

/** From a stored image to one of the network's size, in [0, 255]. Draws from `random` only what it needs. */
export interface Transform {
  (image: RawImage, random: Random): FloatImage;
  /** Height and width of what comes out, in pixels. */
  readonly size: number;
}

const transform = (size: number, f: (image: RawImage, random: Random) => FloatImage): Transform =>
  Object.assign(f, { size });

/**
 * Training on small images: `padding` black pixels around, a random `size`×`size` of it, mirrored half of the time.
 * Source: He et al. 2015, section 4.2.
 * @example
 * const transform = padCropFlip({ size: 32 });
 */
export function padCropFlip({ size, padding = 4 }: { size: number; padding?: number }): Transform {
  return transform(size, (image, random) => {
    requireSize(image, size);
    const [top, left] = [random.integer(2 * padding + 1) - padding, random.integer(2 * padding + 1) - padding];
    const cropped = crop(image, { top, left, height: size, width: size });
    return random() < 0.5 ? flip(cropped) : cropped;
  });
}

function requireSize({ height, width }: RawImage, size: number): void {
  if (height !== size || width !== size) {
    throw new Error(
      `padCropFlip: expected images of ${size}×${size} pixels, got ${height}×${width}; resize the data set when opening it`,
    );
  }
}

export interface ImageNetTrainOptions {
  /** Height and width in pixels. */
  size?: number;
  jitter?: ColorJitter;
  /** Whether noise along the principal colours is added. */
  lighting?: boolean;
}

/**
 * The paper's training transform: random resized crop, mirror, colour jitter, PCA lighting noise.
 * Source: He et al. 2018, section 2.1.
 * @example
 * const transform = imageNetTrain({ size: 224, jitter: 'paper' });
 */
export function imageNetTrain({
  size = 224,
  jitter = 'official',
  lighting: noise = true,
}: ImageNetTrainOptions = {}): Transform {
  return transform(size, (image, random) => {
    const resized = resize(image, size, size, randomResizedBox(image.height, image.width, random));
    const mirrored = random() < 0.5 ? flip(resized) : resized;
    const colored = colorJitter(mirrored, jitter, random);
    return noise ? lighting(colored, random) : colored;
  });
}

/**
 * The paper's validation transform: the shorter edge to `resize`, the `size`×`size` in the middle. 8/7 of the size by
 * default, which is 256 for 224; a small image of the right size passes as it is.
 * Source: He et al. 2018, section 2.1.
 * @example
 * const transform = centerCrop(); // 256, then 224
 */
export function centerCrop({
  size = 224,
  resize: edge = Math.round((size * 8) / 7),
}: { size?: number; resize?: number } = {}): Transform {
  return transform(size, (image) => resizeAndCenterCrop(image, edge, size));
}
