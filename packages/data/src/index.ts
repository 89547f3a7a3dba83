export { BadImages, type BadImagesOptions } from './bad-images.js';
export { type Batch, batchCount, batches, type BatchesOptions } from './batches.js';
export { BadImageError, type Dataset, type LoadOptions } from './dataset.js';
export type { Box, FloatImage, RawImage } from './image.js';
export type { Split } from './split.js';
export { syntheticDataset, type SyntheticOptions } from './synthetic/synthetic.js';
export { type ColorJitter, colorJitter, lighting } from './transforms/color.js';
export { crop, flip, randomResizedBox, resizeAndCenterCrop } from './transforms/geometry.js';
export {
  cifarNormalization,
  imageNetNormalization,
  inceptionNormalization,
  type Normalization,
  torchvisionNormalization,
} from './transforms/normalization.js';
export type { TransformDescription } from './transforms/plan.js';
export { type Interpolation, resize, type ResizeOptions } from './transforms/resize.js';
export {
  centerCrop,
  type CenterCropOptions,
  imageNetTrain,
  type ImageNetTrainOptions,
  padCropFlip,
  type Transform,
} from './transforms/transforms.js';
