import type { RawImage } from '../image.js';
import { resize } from '../transforms/resize.js';

/** The square in the middle of an image, at a size; the image itself where it is that. */
export function toSquare(image: RawImage, size: number): RawImage {
  if (image.height === size && image.width === size) return image;
  const edge = Math.min(image.height, image.width);
  const [top, left] = [(image.height - edge) / 2, (image.width - edge) / 2];
  const { data } = resize(image, size, size, { top, left, height: edge, width: edge });
  return { data: Uint8Array.from(data, Math.round), height: size, width: size };
}
