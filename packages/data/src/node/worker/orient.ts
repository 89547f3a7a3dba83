import type { RawImage } from '../../image.js';

/** Turns and mirrors an image so that one of an EXIF orientation becomes upright. */
export function orient(image: RawImage, orientation: number): RawImage {
  if (orientation === 1) return image;
  const { data, height, width } = image;
  // From 5 on, stored rows are columns of the picture.
  const [outHeight, outWidth] = orientation >= 5 ? [width, height] : [height, width];
  const out = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++, to += 3) {
      const [row, column] = storedAt(orientation, y, x, height - 1, width - 1);
      const from = (row * width + column) * 3;
      out[to] = data[from] as number;
      out[to + 1] = data[from + 1] as number;
      out[to + 2] = data[from + 2] as number;
    }
  }
  return { data: out, height: outHeight, width: outWidth };
}

/** Where the upright pixel (y, x) is stored. */
function storedAt(orientation: number, y: number, x: number, bottom: number, right: number): [number, number] {
  switch (orientation) {
    case 2:
      return [y, right - x];
    case 3:
      return [bottom - y, right - x];
    case 4:
      return [bottom - y, x];
    case 5:
      return [x, y];
    case 6:
      return [bottom - x, y];
    case 7:
      return [bottom - x, right - y];
    default:
      return [x, right - y];
  }
}
