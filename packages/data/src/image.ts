/** An image as it is stored: 8-bit RGB, row-major `[height, width, 3]`. */
export interface RawImage {
  data: Uint8Array;
  height: number;
  width: number;
}

/** An image at work: RGB in [0, 255] (or normalised), row-major `[height, width, 3]`. */
export interface FloatImage {
  data: Float32Array;
  height: number;
  width: number;
}

/** A rectangle of an image, in pixels. */
export interface Box {
  top: number;
  left: number;
  height: number;
  width: number;
}
