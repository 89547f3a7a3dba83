import type { Dataset } from '../dataset.js';
import { Decoder, type DecodeOptions, type EncodedImage } from './decoder.js';

export interface EncodedDatasetOptions extends Omit<Dataset, 'get' | 'load' | 'size' | 'close'>, DecodeOptions {
  /** The image of a number as it is stored. */
  encoded: (index: number) => EncodedImage | Promise<EncodedImage>;
  /** Decoding threads. */
  workers?: number | undefined;
  /** Frees what `encoded` reads from. */
  close?: () => Promise<void>;
}

/** A data set of stored images, which worker threads decode and transform; they start with the first image. */
export function encodedDataset({
  encoded,
  squareSize,
  orientation,
  workers = 2,
  close,
  ...dataset
}: EncodedDatasetOptions): Dataset {
  let decoder: Decoder | undefined;
  const options = { squareSize, orientation };
  return {
    ...dataset,
    size: dataset.labels.length,
    get: async (index) => {
      const image = await encoded(index);
      return (decoder ??= new Decoder(workers)).decode(image, options);
    },
    load: async (index, how, into) => {
      const image = await encoded(index);
      return (decoder ??= new Decoder(workers)).load(image, { ...how, index }, into, options);
    },
    close: async () => {
      await decoder?.close();
      decoder = undefined;
      await close?.();
    },
  };
}
