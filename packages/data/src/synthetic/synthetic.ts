import { createRandom, type Random } from '@bag/random';
import type { Dataset } from '../dataset.js';
import type { RawImage } from '../image.js';
import { requireSplit, type Split } from '../split.js';
import { type Shape, shapes, styles } from './shapes.js';

export interface SyntheticOptions {
  /** 2 to 100; the first 20 are shapes, the rest the same shapes in other styles. */
  classes?: number;
  /** Number of images. */
  size: number;
  /** Height and width in pixels. */
  imageSize?: number;
  seed?: number;
  /** Images of the two splits never coincide; only training labels are noisy. */
  split: Split;
  /** Share of the training labels that are replaced by another class. */
  labelNoise?: number;
}

/**
 * The embedded data set: one shape, stroke or texture per class, drawn at a random place, size, angle and colour, over
 * a textured ground with clutter, then blurred, dimmed and noisy. Image i depends on (seed, split, i) only and is drawn
 * when asked for; with few training images it tests generalisation.
 *
 * @throws RangeError for another split, a number of classes outside 2 … 100 or a share outside [0, 1].
 * @example
 * const dataset = syntheticDataset({ size: 2000, split: 'train', labelNoise: 0.05 });
 */
export function syntheticDataset({
  classes = 10,
  size,
  imageSize = 32,
  seed = 0,
  split,
  labelNoise = 0,
}: SyntheticOptions): Dataset {
  requireSplit('syntheticDataset', split);
  const most = shapes.length * styles.length;
  if (!Number.isInteger(classes) || classes < 2 || classes > most) {
    throw new RangeError(`syntheticDataset: expected 2 to ${most} classes, got ${classes}`);
  }
  if (!(labelNoise >= 0 && labelNoise <= 1)) {
    throw new RangeError(`syntheticDataset: expected labelNoise in [0, 1], got ${labelNoise}`);
  }
  const kinds = Array.from({ length: classes }, (_, i) => {
    const { name, shape } = shapes[i % shapes.length] as (typeof shapes)[number];
    const style = styles[Math.floor(i / shapes.length)] as (typeof styles)[number];
    return { name: style.name === '' ? name : `${style.name}-${name}`, shape: style.draw(shape) };
  });
  const truth = (index: number) => index % classes;
  const labels = Int32Array.from({ length: size }, (_, index) => {
    const random = createRandom({ seed, purpose: `synthetic-label-${split}`, index });
    if (split === 'validation' || random() >= labelNoise) return truth(index);
    return (truth(index) + 1 + random.integer(classes - 1)) % classes;
  });
  return {
    name: `synthetic ${split}`,
    classes: kinds.map(({ name }) => name),
    size,
    labels,
    get: (index) => {
      const random = createRandom({ seed, purpose: `synthetic-image-${split}`, index });
      return draw(
        kinds.map(({ shape }) => shape),
        truth(index),
        imageSize,
        random,
      );
    },
  };
}

type Color = [number, number, number];

/** A shape on the canvas: its place and half-size as shares of the canvas from −1 to 1. */
interface Placed {
  shape: Shape;
  x: number;
  y: number;
  scale: number;
  angle: number;
  squeeze: number;
  color: Color;
  opacity: number;
}

function draw(kinds: Shape[], label: number, size: number, random: Random): RawImage {
  const ground = color(random);
  const canvas = background(size, ground, random);
  const between = (low: number, high: number) => low + (high - low) * random();
  const clutter = 1 + random.integer(3);
  for (let i = 0; i < clutter; i++) {
    paint(canvas, size, {
      shape: kinds[random.integer(kinds.length)] as Shape,
      x: between(-1, 1),
      y: between(-1, 1),
      scale: between(0.1, 0.2),
      angle: between(-Math.PI, Math.PI),
      squeeze: 1,
      color: color(random),
      opacity: between(0.4, 1),
    });
  }
  const scale = between(0.6, 0.9);
  paint(canvas, size, {
    shape: kinds[label] as Shape,
    x: between(-0.9, 0.9) * (1 - scale),
    y: between(-0.9, 0.9) * (1 - scale),
    scale,
    angle: between(-0.3, 0.3),
    squeeze: between(0.85, 1.18),
    color: contrasting(ground, random),
    opacity: between(0.8, 1),
  });
  occlude(canvas, size, random);
  return develop(canvas, size, random);
}

function color(random: Random): Color {
  return [255 * random(), 255 * random(), 255 * random()];
}

const luma = ([r, g, b]: Color) => 0.299 * r + 0.587 * g + 0.114 * b;

/** A colour that a person can tell from the ground. */
function contrasting(ground: Color, random: Random): Color {
  for (let attempt = 0; attempt < 20; attempt++) {
    const candidate = color(random);
    if (Math.abs(luma(candidate) - luma(ground)) > 90) return candidate;
  }
  return luma(ground) > 127 ? [20, 20, 20] : [235, 235, 235];
}

/** A gradient of the ground's colour with a texture of waves and a coarse noise. */
function background(size: number, ground: Color, random: Random): Float32Array {
  const canvas = new Float32Array(size * size * 3);
  const tilt = [random() - 0.5, random() - 0.5].map((v) => v * 80);
  const waves = Array.from({ length: 2 }, () => ({
    fx: (random() - 0.5) * 24,
    fy: (random() - 0.5) * 24,
    phase: random() * 2 * Math.PI,
    amplitude: random() * 14,
  }));
  const tint = color(random).map((v) => v / 255);
  for (let py = 0, i = 0; py < size; py++) {
    for (let px = 0; px < size; px++) {
      const x = (2 * px) / size - 1;
      const y = (2 * py) / size - 1;
      let shade = (tilt[0] as number) * x + (tilt[1] as number) * y;
      for (const { fx, fy, phase, amplitude } of waves) shade += amplitude * Math.sin(fx * x + fy * y + phase);
      for (let c = 0; c < 3; c++, i++) canvas[i] = (ground[c] as number) + shade * (0.4 + (tint[c] as number));
    }
  }
  return canvas;
}

function paint(canvas: Float32Array, size: number, placed: Placed): void {
  const { shape, x, y, scale, angle, squeeze, color: ink, opacity } = placed;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const pixel = 2 / size / scale; // one pixel in the shape's own units
  const reach = scale * 1.5;
  const clip = (v: number) => Math.min(size, Math.max(0, Math.round(((v + 1) / 2) * size)));
  for (let py = clip(y - reach); py < clip(y + reach); py++) {
    for (let px = clip(x - reach); px < clip(x + reach); px++) {
      const dx = ((2 * px + 1) / size - 1 - x) / scale;
      const dy = ((2 * py + 1) / size - 1 - y) / scale;
      const distance = shape((cosine * dx + sine * dy) * squeeze, (-sine * dx + cosine * dy) / squeeze);
      // Anti-aliasing: the share of the pixel that the edge covers.
      const cover = Math.min(1, Math.max(0, 0.5 - distance / pixel)) * opacity;
      if (cover === 0) continue;
      const at = (py * size + px) * 3;
      for (let c = 0; c < 3; c++)
        canvas[at + c] = (canvas[at + c] as number) * (1 - cover) + (ink[c] as number) * cover;
    }
  }
}

/** A quarter of the images are crossed by a bar. */
function occlude(canvas: Float32Array, size: number, random: Random): void {
  const [chance, angle, offset, width] = [random(), random() * Math.PI, random() - 0.5, 0.06 + random() * 0.1];
  const ink = color(random);
  if (chance < 0.75) return;
  const shape: Shape = (x, y) => Math.abs(x - offset) - width + 0 * y;
  paint(canvas, size, { shape, x: 0, y: 0, scale: 1, angle, squeeze: 1, color: ink, opacity: 1 });
}

/** Blur, contrast and noise of a poor camera; then 8 bits. */
function develop(canvas: Float32Array, size: number, random: Random): RawImage {
  const blurred = random() < 0.5 ? blur(canvas, size) : canvas;
  const contrast = 0.75 + 0.25 * random();
  const brightness = 127 + (random() - 0.5) * 70;
  const noise = 2 + random() * 7;
  const data = new Uint8Array(canvas.length);
  for (let i = 0; i < data.length; i++) {
    // The sum of three uniform numbers is near enough to normal, and cheap.
    const grain = (random() + random() + random() - 1.5) * noise * 2;
    data[i] = Math.min(255, Math.max(0, Math.round(((blurred[i] as number) - 127) * contrast + brightness + grain)));
  }
  return { data, height: size, width: size };
}

function blur(canvas: Float32Array, size: number): Float32Array {
  const result = new Float32Array(canvas.length);
  const at = (y: number, x: number, c: number) =>
    canvas[(Math.min(size - 1, Math.max(0, y)) * size + Math.min(size - 1, Math.max(0, x))) * 3 + c] as number;
  for (let y = 0, i = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      for (let c = 0; c < 3; c++, i++) {
        const cross = at(y - 1, x, c) + at(y + 1, x, c) + at(y, x - 1, c) + at(y, x + 1, c);
        result[i] = 0.5 * at(y, x, c) + 0.125 * cross;
      }
    }
  }
  return result;
}
