export { type Check, checkDataset, type CheckOptions, type Finding } from './node/check.js';
export { cifarBinary } from './node/cifar.js';
export { decodeImage, type DecodeOptions, Decoder } from './node/decoder.js';
export { imageFolder, type ImageFolderOptions, type Split } from './node/image-folder.js';
export { inMemory, type InMemoryOptions } from './node/in-memory.js';
export { hasSplit, openDataset } from './node/open.js';
export { contactSheet, encodePng, writeImageFolder } from './node/write.js';
