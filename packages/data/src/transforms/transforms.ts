import type { Random } from '@bag/random';
import type { FloatImage, RawImage } from '../image.js';
import type { ColorJitter } from './color.js';
import { crop, flip, resizeAndCenterCrop } from './geometry.js';
import { carryOut, type Plan, planOf, type TransformDescription } from './plan.js';
import type { Interpolation } from './resize.js';

/** From a stored image to one of the network's size, in [0, 255]. Draws from `random` only what it needs. */
export interface Transform {
  (image: RawImage, random: Random): FloatImage;
  /** Height and width of what comes out, in pixels. */
  readonly size: number;
  /** What it is as plain data, where it is one of this package's: then a data set may do it in another thread. */
  readonly description?: TransformDescription;
}

const transform = (description: TransformDescription, f: (image: RawImage, random: Random) => FloatImage): Transform =>
  Object.assign(f, { size: description.size, description });

/**
 * Training on small images: `padding` black pixels around, a random `size`×`size` of it, mirrored half of the time.
 * Source: He et al. 2015, section 4.2.
 * @example
 * const transform = padCropFlip({ size: 32 });
 */
export function padCropFlip({ size, padding = 4 }: { size: number; padding?: number }): Transform {
  return transform({ kind: 'pad-crop-flip', size, padding }, (image, random) => {
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
  const description = { kind: 'imagenet-train', size, jitter, lighting: noise } as const;
  return transform(description, (image, random) => carryOut(image, planOf(description, image, random) as Plan));
}

export interface CenterCropOptions {
  /** Height and width in pixels. */
  size?: number;
  /** What the shorter edge becomes. */
  resize?: number;
  /** `bicubic` is what timm's versions of gluon's weights are evaluated with. */
  interpolation?: Interpolation;
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
  interpolation = 'bilinear',
}: CenterCropOptions = {}): Transform {
  return transform({ kind: 'center-crop', size, resize: edge, interpolation }, (image) =>
    resizeAndCenterCrop(image, edge, size, interpolation),
  );
}

/** Makes a transform from its description. */
export function transformOf(description: TransformDescription): Transform {
  if (description.kind === 'pad-crop-flip') return padCropFlip(description);
  return description.kind === 'imagenet-train' ? imageNetTrain(description) : centerCrop(description);
}
