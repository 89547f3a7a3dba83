import type { Dataset } from '../dataset.js';
import { Decoder, type DecodeOptions, type EncodedImage } from './decoder.js';

export interface EncodedDatasetOptions extends Omit<Dataset, 'get' | 'size' | 'close'>, DecodeOptions {
  /** The image of a number as it is stored. */
  encoded(index: number): EncodedImage | Promise<EncodedImage>;
  /** Decoding threads. */
  workers?: number | undefined;
  /** Frees what `encoded` reads from. */
  close?(): Promise<void>;
}

/** A data set of stored images, which worker threads decode; they start with the first image. */
export function encodedDataset({
  encoded,
  squareSize,
  workers = 2,
  close,
  ...dataset
}: EncodedDatasetOptions): Dataset {
  let decoder: Decoder | undefined;
  return {
    ...dataset,
    size: dataset.labels.length,
    get: async (index) => {
      const image = await encoded(index);
      return (decoder ??= new Decoder(workers)).decode(image, { squareSize });
    },
    close: async () => {
      await decoder?.close();
      decoder = undefined;
      await close?.();
    },
  };
}
