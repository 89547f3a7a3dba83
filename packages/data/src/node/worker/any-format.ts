import { createRequire } from 'node:module';
import { workerData } from 'node:worker_threads';
import type Sharp from 'sharp';
import type { RawImage } from '../../image.js';
import type { DecodeOptions } from './messages.js';

let loaded: typeof Sharp | undefined;

/** Loaded with the first image that needs it. */
function sharp(): typeof Sharp {
  if (loaded === undefined) {
    const path = (workerData as { sharp: string }).sharp;
    loaded = createRequire(path)(path) as typeof Sharp;
    loaded.cache(false);
    loaded.concurrency(1);
  }
  return loaded;
}

/** What libvips says of a file that it cannot read. */
export class UnreadableImage extends Error {
  override readonly name = 'UnreadableImage';
}

/**
 * Decodes any format that libvips reads. Colour profiles are left alone and alpha is dropped, as PIL does both.
 * @throws UnreadableImage with what libvips says.
 */
export async function decodeAnyFormat(
  bytes: Uint8Array,
  { squareSize, orientation = 'exif' }: DecodeOptions,
  isCmyk = false,
): Promise<RawImage> {
  try {
    let image = sharp()(bytes, { failOn: 'truncated', ignoreIcc: true });
    if (orientation === 'exif') image = image.autoOrient();
    image = isCmyk
      ? image.pipelineColourspace('cmyk').toColourspace('cmyk')
      : image.toColourspace('srgb').removeAlpha();
    if (squareSize !== undefined) image = image.resize(squareSize, squareSize, { fit: 'cover', kernel: 'linear' });
    const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    const { height, width, channels } = info;
    if (isCmyk) return { data: cmykToRgb(data), height, width };
    return { data: channels === 3 ? new Uint8Array(data) : grayToRgb(data), height, width };
  } catch (error) {
    throw new UnreadableImage(error instanceof Error ? error.message : String(error));
  }
}

function grayToRgb(gray: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(3 * gray.length);
  for (const [i, value] of gray.entries()) rgb.fill(value, 3 * i, 3 * i + 3);
  return rgb;
}

/** Without inks' colours, as PIL does it: (1 − c)·(1 − k), in whole numbers. */
function cmykToRgb(cmyk: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((cmyk.length / 4) * 3);
  for (let from = 0, to = 0; from < cmyk.length; from += 4) {
    const white = 255 - (cmyk[from + 3] as number);
    for (let c = 0; c < 3; c++) {
      const product = (cmyk[from + c] as number) * white + 128;
      rgb[to++] = Math.max(0, white - (((product >> 8) + product) >> 8));
    }
  }
  return rgb;
}

/** Whether an image that fails to decode has a beginning that can be read. */
export async function isTruncated(bytes: Uint8Array): Promise<boolean> {
  try {
    await sharp()(bytes, { failOn: 'none' }).stats();
    return true;
  } catch {
    return false;
  }
}
