import type { Random } from '@bag/random';
import type { FloatImage } from '../image.js';

/** `'official'`: brightness, contrast, saturation by up to 40 %; `'paper'`: hue, saturation, brightness in [0.6, 1.4]. */
export type ColorJitter = 'official' | 'paper' | 'none';

const strength = 0.4;

/** One change of an image's colours, drawn already. */
export type ColorChange =
  | { kind: 'brightness' | 'contrast' | 'saturation'; factor: number }
  /** Hue, saturation and value are multiplied. */
  | { kind: 'hsv'; factors: readonly [number, number, number] };

/**
 * Changes the colours of an image at random, in place.
 *
 * @example
 * colorJitter(image, 'official', createRandom({ seed: 0, purpose: 'augment' }));
 */
export function colorJitter(image: FloatImage, kind: ColorJitter, random: Random): FloatImage {
  return changeColors(image, drawColors(kind, random));
}

/** Draws what `colorJitter` does, in the order in which it is done. */
export function drawColors(kind: ColorJitter, random: Random): ColorChange[] {
  if (kind === 'none') return [];
  const factor = () => 1 + strength * (2 * random() - 1);
  if (kind === 'paper') return [{ kind: 'hsv', factors: [factor(), factor(), factor()] }];
  const kinds = ['brightness', 'contrast', 'saturation'] as const;
  return Array.from(random.permutation(kinds.length), (i) => ({ kind: kinds[i] ?? 'brightness', factor: factor() }));
}

/** Carries changes out, in place. */
export function changeColors(image: FloatImage, changes: readonly ColorChange[]): FloatImage {
  for (const change of changes) {
    if (change.kind === 'hsv') scaleHsv(image, ...change.factors);
    else ({ brightness, contrast, saturation })[change.kind](image, change.factor);
  }
  return image;
}

const luma = (r: number, g: number, b: number) => 0.299 * r + 0.587 * g + 0.114 * b;
const clamp = (value: number) => Math.min(255, Math.max(0, value));

function eachPixel({ data }: FloatImage, f: (r: number, g: number, b: number) => [number, number, number]): void {
  for (let i = 0; i < data.length; i += 3) {
    const [r, g, b] = f(data[i] as number, data[i + 1] as number, data[i + 2] as number);
    data[i] = clamp(r);
    data[i + 1] = clamp(g);
    data[i + 2] = clamp(b);
  }
}

/** factor·v. */
export function brightness(image: FloatImage, factor: number): void {
  eachPixel(image, (r, g, b) => [r * factor, g * factor, b * factor]);
}

/** factor·v + (1 − factor)·m, m the mean luma of the image. */
export function contrast(image: FloatImage, factor: number): void {
  const { data } = image;
  let sum = 0;
  for (let i = 0; i < data.length; i += 3) {
    sum += luma(data[i] as number, data[i + 1] as number, data[i + 2] as number);
  }
  const rest = ((1 - factor) * sum * 3) / data.length;
  eachPixel(image, (r, g, b) => [r * factor + rest, g * factor + rest, b * factor + rest]);
}

/** factor·v + (1 − factor)·l, l the pixel's luma. */
export function saturation(image: FloatImage, factor: number): void {
  eachPixel(image, (r, g, b) => {
    const rest = (1 - factor) * luma(r, g, b);
    return [r * factor + rest, g * factor + rest, b * factor + rest];
  });
}

/** Multiplies hue (as a share of the circle, from red), saturation and value of every pixel. */
function scaleHsv(image: FloatImage, hue: number, sat: number, value: number): void {
  eachPixel(image, (r, g, b) => {
    const max = Math.max(r, g, b);
    const chroma = max - Math.min(r, g, b);
    let h = 0;
    if (chroma > 0) {
      if (max === r) h = ((g - b) / chroma + 6) % 6;
      else h = max === g ? (b - r) / chroma + 2 : (r - g) / chroma + 4;
    }
    const s = max === 0 ? 0 : Math.min(1, (chroma / max) * sat);
    const v = Math.min(255, max * value);
    const sector = (h * hue) % 6;
    // The channel at offset n of the hue circle: v·(1 − s·max(0, min(k, 4 − k, 1))).
    const channel = (n: number) => {
      const k = (n + sector) % 6;
      return v * (1 - s * Math.max(0, Math.min(k, 4 - k, 1)));
    };
    return [channel(5), channel(3), channel(1)];
  });
}

// Principal components of ImageNet's colours, for values in [0, 255].
const eigenvalues = [55.46, 4.794, 1.148];
const eigenvectors = [
  [-0.5675, 0.7192, 0.4009],
  [-0.5808, -0.0045, -0.814],
  [-0.5836, -0.6948, 0.4203],
] as const;

/**
 * Adds noise along the principal components of ImageNet's colours: Σ αᵢ·λᵢ·pᵢ, αᵢ ~ N(0, 0.1); in place.
 * Source: Krizhevsky et al. 2012, section 4.1.
 * @example
 * lighting(image, createRandom({ seed: 0, purpose: 'augment' }));
 */
export function lighting(image: FloatImage, random: Random, deviation = 0.1): FloatImage {
  return addShift(image, drawLighting(random, deviation));
}

/** Draws what `lighting` adds to red, green and blue. */
export function drawLighting(random: Random, deviation = 0.1): [number, number, number] {
  const alphas = eigenvalues.map((value) => random.normal() * deviation * value);
  const along = ([a, b, c]: readonly [number, number, number]) =>
    a * (alphas[0] as number) + b * (alphas[1] as number) + c * (alphas[2] as number);
  return [along(eigenvectors[0]), along(eigenvectors[1]), along(eigenvectors[2])];
}

/** Adds a number to each channel, in place. */
export function addShift(image: FloatImage, shift: readonly [number, number, number]): FloatImage {
  for (let i = 0; i < image.data.length; i++) image.data[i] = (image.data[i] as number) + (shift[i % 3] as number);
  return image;
}
