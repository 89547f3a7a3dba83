/** (v − mean)/deviation for each channel of an image in [0, 255]. */
export interface Normalization {
  mean: readonly [number, number, number];
  deviation: readonly [number, number, number];
}

/**
 * The constants of the paper, section 2.1.
 *
 * @example
 * batches({ dataset, batchSize: 16, transform: centerCrop(), normalization: imageNetNormalization, seed: 0 });
 */
export const imageNetNormalization: Normalization = {
  mean: [123.68, 116.779, 103.939],
  deviation: [58.393, 57.12, 57.375],
};

/**
 * Mean and deviation of CIFAR-10's training images, ·255.
 *
 * @example
 * batches({ dataset, batchSize: 128, transform: padCropFlip({ size: 32 }), normalization: cifarNormalization, seed: 0 });
 */
export const cifarNormalization: Normalization = {
  mean: [125.3, 123.0, 113.9],
  deviation: [63.0, 62.1, 66.7],
};

/**
 * The constants of torchvision's and timm's models, ·255.
 *
 * @example
 * batches({ dataset, batchSize: 16, transform: centerCrop(), normalization: torchvisionNormalization, seed: 0 });
 */
export const torchvisionNormalization: Normalization = {
  mean: [0.485 * 255, 0.456 * 255, 0.406 * 255],
  deviation: [0.229 * 255, 0.224 * 255, 0.225 * 255],
};

/**
 * To [−1, 1]: the constants of Inception's models.
 *
 * @example
 * batches({ dataset, batchSize: 16, transform: centerCrop({ size: 299 }), normalization: inceptionNormalization, seed: 0 });
 */
export const inceptionNormalization: Normalization = { mean: [127.5, 127.5, 127.5], deviation: [127.5, 127.5, 127.5] };

/** Normalises pixels into a place of another array. */
export function normalize(
  from: Float32Array,
  to: Float32Array,
  offset: number,
  { mean, deviation }: Normalization,
): void {
  for (let c = 0; c < 3; c++) {
    const scale = 1 / (deviation[c] as number);
    const shift = mean[c] as number;
    for (let i = c; i < from.length; i += 3) to[offset + i] = ((from[i] as number) - shift) * scale;
  }
}
