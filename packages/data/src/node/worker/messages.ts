import type { LoadOptions } from '../../dataset.js';

/** Whether pictures are turned upright as their EXIF data say, or left as their pixels are stored. */
export type Orientation = 'exif' | 'stored';

export interface DecodeOptions {
  /** Shrinks or grows the shorter edge to this many pixels and keeps the square in the middle. */
  squareSize?: number | undefined;
  /** `exif` (the default) turns pictures upright; `stored` is what torchvision does. */
  orientation?: Orientation | undefined;
}

/** A file's path, or its bytes. */
export type Source = string | Uint8Array;

/** What a thread is asked for: an image's pixels, or what a transform makes of it, written into shared memory. */
export interface Job {
  id: number;
  source: Source;
  options: DecodeOptions;
  load?: LoadOptions & { index: number; into: Float32Array };
}

export type Answer =
  | { id: number; kind: 'loaded' }
  | { id: number; kind: 'decoded'; data: Uint8Array; height: number; width: number }
  /** The image is not readable. */
  | { id: number; kind: 'bad'; reason: string; truncated: boolean }
  /** Something else is wrong. */
  | { id: number; kind: 'failed'; reason: string };
