import type { Normalization } from '@bag/data';

/** Images as the network sees them. */
export interface Pictures {
  /** `[batch, height, width, 3]`, normalised, row-major. */
  images: Float32Array;
  shape: readonly [number, number, number, number];
  normalization: Normalization;
}

const perRow = 8;

/** Draws a batch side by side, a pixel of space between two images. */
export function drawPictures(canvas: HTMLCanvasElement, { images, shape, normalization }: Pictures): void {
  const [batch, height, width] = shape;
  canvas.width = perRow * (width + 1) - 1;
  canvas.height = Math.ceil(batch / perRow) * (height + 1) - 1;
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('drawPictures: the canvas has a context of another kind; give it a fresh one');
  const pixels = height * width;
  for (let n = 0; n < batch; n++) {
    const image = context.createImageData(width, height);
    for (let i = 0; i < pixels * 3; i++) {
      const channel = i % 3;
      const value = images[n * pixels * 3 + i] as number;
      // Clamped to whole numbers of [0, 255] by the array itself.
      image.data[Math.floor(i / 3) * 4 + channel] =
        value * (normalization.deviation[channel] as number) + (normalization.mean[channel] as number);
    }
    for (let i = 0; i < pixels; i++) image.data[i * 4 + 3] = 255;
    context.putImageData(image, (n % perRow) * (width + 1), Math.floor(n / perRow) * (height + 1));
  }
}
