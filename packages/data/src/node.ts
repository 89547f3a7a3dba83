export {
  catalogue,
  type Catalogue,
  type CatalogueEntry,
  type PublishedDataset,
  type PublishedFile,
} from './node/catalogue.js';
export { type Check, checkDataset, type CheckOptions } from './node/check.js';
export { cifarBinary } from './node/cifar.js';
export { decodeImage, type DecodeOptions, Decoder, type EncodedImage, type Orientation } from './node/decoder.js';
export { download, DownloadError, type DownloadOptions } from './node/download.js';
export { encodedDataset, type EncodedDatasetOptions } from './node/encoded.js';
export type { Finding } from './node/findings.js';
export { getDataset, type GetDatasetOptions, type GottenDataset } from './node/get-dataset.js';
export { idx } from './node/idx.js';
export { imageFolder, type ImageFolderOptions } from './node/image-folder.js';
export { inMemory, type InMemoryOptions } from './node/in-memory.js';
export { hasSplit, openDataset, validationFiles } from './node/open.js';
export { packShards, type PackedSplit, type PackOptions } from './node/pack.js';
export type { ShardRead } from './node/sample-reader.js';
export { tarShards, type TarShardsOptions } from './node/tar-shards.js';
export { contactSheet, encodePng, writeImageFolder } from './node/write.js';
export type { Split } from './split.js';
