import { createRandom } from '@bag/random';
import { testContract } from '@bag/testing';
import * as exports from './index.js';
import {
  BadImageError,
  BadImages,
  batchCount,
  batches,
  centerCrop,
  colorJitter,
  crop,
  flip,
  imageNetTrain,
  lighting,
  padCropFlip,
  randomResizedBox,
  resize,
  resizeAndCenterCrop,
  syntheticDataset,
} from './index.js';

const random = () => createRandom({ seed: 1, purpose: 'contract' });
const floats = ({ data, ...size }: exports.RawImage) => ({ data: Float32Array.from(data), ...size });
const dataset = (labelNoise = 0) => syntheticDataset({ size: 6, imageSize: 16, split: 'train', labelNoise });
const whole = { top: 0, left: 0, height: 8, width: 9 };
const raw = { mean: [0, 0, 0], deviation: [1, 1, 1] } as const;

async function collect(transform: exports.Transform, shuffle: boolean) {
  const all = [];
  const options = { dataset: dataset(), batchSize: 4, transform, normalization: raw, seed: 1, shuffle };
  for await (const batch of batches(options)) all.push(batch);
  return all;
}

testContract({
  exports,
  inputs: () => ({
    image: {
      data: Uint8Array.from({ length: 8 * 9 * 3 }, (_, i) => (i * 37) % 256),
      height: 8,
      width: 9,
    },
  }),
  backends: ['cpu'],
  table: {
    BadImageError: { on: () => new BadImageError('a.jpg', 'cut off').message },
    BadImages: { on: () => new BadImages({ size: 1 }).count },
    batchCount: { on: () => batchCount(10, 4), off: () => [batchCount(0, 4), 0] },
    batches: {
      on: () => collect(padCropFlip({ size: 16 }), true),
      off: async () => [
        (await collect(centerCrop({ size: 16, resize: 16 }), false)).flatMap(({ images }) => Array.from(images)),
        Array.from({ length: 6 }, (_, i) => Array.from((dataset().get(i) as exports.RawImage).data)).flat(),
      ],
    },
    syntheticDataset: {
      on: () => [dataset(0.5).labels, dataset().get(3)],
      off: () => [dataset(0).labels, syntheticDataset({ size: 6, imageSize: 16, split: 'validation' }).labels],
    },
    colorJitter: {
      on: ({ image }) => colorJitter(floats(image), 'official', random()),
      off: ({ image }) => [colorJitter(floats(image), 'none', random()), floats(image)],
    },
    lighting: {
      on: ({ image }) => lighting(floats(image), random()),
      off: ({ image }) => [lighting(floats(image), random(), 0), floats(image)],
    },
    crop: {
      on: ({ image }) => crop(image, { top: -1, left: 2, height: 4, width: 9 }),
      off: ({ image }) => [crop(image, whole), floats(image)],
    },
    flip: {
      on: ({ image }) => flip(floats(image)),
      off: ({ image }) => [flip(flip(floats(image))), floats(image)],
    },
    randomResizedBox: {
      on: () => randomResizedBox(8, 9, random()),
      off: () => [randomResizedBox(8, 9, random(), { area: [1, 1], ratio: [9 / 8, 9 / 8] }), whole],
    },
    resize: {
      on: ({ image }) => resize(image, 5, 12),
      off: ({ image }) => [resize(image, 8, 9), floats(image)],
    },
    resizeAndCenterCrop: {
      on: ({ image }) => resizeAndCenterCrop(image, 6, 5),
      off: ({ image }) => [
        resizeAndCenterCrop(crop(image, { ...whole, width: 8 }), 8, 8),
        crop(image, { ...whole, width: 8 }),
      ],
    },
    centerCrop: {
      on: ({ image }) => centerCrop({ size: 4 })(image, random()),
      off: ({ image }) => [centerCrop({ size: 8, resize: 8 })(image, random()), crop(image, { ...whole, width: 8 })],
    },
    padCropFlip: {
      on: ({ image }) => padCropFlip({ size: 8 })({ ...image, width: 8 }, random()),
      off: ({ image }) => {
        const square = { ...image, width: 8 };
        const kept = padCropFlip({ size: 8, padding: 0 })(square, random());
        // Without padding only the mirror is left; mirrored or not, twice is once.
        return [kept.data[0] === image.data[0] ? kept : flip(kept), crop(square, { ...whole, width: 8 })];
      },
    },
    imageNetTrain: { on: ({ image }) => imageNetTrain({ size: 6 })(image, random()) },
  },
});
