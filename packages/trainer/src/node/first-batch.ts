import sharp from 'sharp';
import { writeFileAtomically } from './atomic.js';

export interface FirstBatchOptions {
  /** The mean that was subtracted from each channel, in [0, 255]. */
  mean: readonly number[];
  /** The deviation that each channel was divided by. */
  deviation: readonly number[];
  /** At most this many images, in a square. */
  limit?: number;
}

/**
 * Writes the images as the network saw them (crops, flips, mixtures included) as one PNG: a square of them, undone to
 * [0, 255].
 *
 * @param images Row-major values of `shape` = `[batch, height, width, channels]`.
 * @example
 * await writeFirstBatch('first-batch.png', images, [64, 32, 32, 3], { mean, deviation });
 */
export async function writeFirstBatch(
  path: string,
  images: Float32Array,
  shape: readonly [number, number, number, number],
  { mean, deviation, limit = 64 }: FirstBatchOptions,
): Promise<void> {
  const [batch, height, width, channels] = shape;
  const count = Math.min(batch, limit);
  const columns = Math.ceil(Math.sqrt(count));
  const rows = Math.ceil(count / columns);
  const gap = 2;
  const sheetWidth = columns * (width + gap) + gap;
  const sheetHeight = rows * (height + gap) + gap;
  const sheet = new Uint8Array(sheetHeight * sheetWidth * 3).fill(255);
  for (let i = 0; i < count; i++) {
    const top = gap + Math.floor(i / columns) * (height + gap);
    const left = gap + (i % columns) * (width + gap);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < 3; c++) {
          const k = Math.min(c, channels - 1);
          const value = images[((i * height + y) * width + x) * channels + k] as number;
          const pixel = Math.round(value * (deviation[k] as number) + (mean[k] as number));
          sheet[((top + y) * sheetWidth + left + x) * 3 + c] = Math.min(255, Math.max(0, pixel));
        }
      }
    }
  }
  const raw = { width: sheetWidth, height: sheetHeight, channels: 3 as const };
  // Small images are enlarged so that a person sees something, in whole multiples so that no pixel is invented.
  const zoom = Math.max(1, Math.floor(96 / width));
  const enlarged = sharp(sheet, { raw }).resize(sheetWidth * zoom, sheetHeight * zoom, { kernel: 'nearest' });
  await writeFileAtomically(path, await enlarged.png().toBuffer());
}
