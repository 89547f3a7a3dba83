import { createRandom, type Random } from '@bag/random';
import { expectAllClose } from '@bag/testing';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { FloatImage } from '../image.js';
import { brightness, colorJitter, contrast, lighting, saturation } from './color.js';
import { randomResizedBox, resizeAndCenterCrop } from './geometry.js';
import { type Interpolation, resize } from './resize.js';
import { centerCrop } from './transforms.js';

type Pair = [number, number];
interface Goldens {
  resized: { from: Pair; box: [number, number, number, number]; to: Pair; data: number[] }[];
  centered: { from: Pair; resize: number; size: number; data: number[] }[];
  centeredBytes: { from: Pair; resize: number; size: number; interpolation: Interpolation; data: number[] }[];
  colored: { operation: 'brightness' | 'contrast' | 'saturation'; factor: number; data: number[] }[];
  scaledHsv: { factors: [number, number, number]; data: number[] }[];
  lighting: { normals: number[]; shift: number[] };
  boxes: { image: Pair; area: Pair; logRatio: Pair; middle: Pair }[];
  fallback: { image: Pair; box: [number, number, number, number] }[];
}
const goldens = JSON.parse(readFileSync(new URL('../fixtures/transforms.json', import.meta.url), 'utf8')) as Goldens;

/** The fixture's image. */
function image(height: number, width: number): FloatImage {
  const data = new Float32Array(height * width * 3);
  for (let i = 0; i < data.length; i++) {
    const [y, x, c] = [Math.floor(i / 3 / width), Math.floor(i / 3) % width, i % 3];
    data[i] = (y * 37 + x * 23 + c * 71 + ((x * y) % 29) * 5) % 256;
  }
  return { data, height, width };
}

/** Gives the numbers of a list, uniform ones and normal ones alike. */
const stream = (...values: number[]) => {
  const next = () => values.shift() as number;
  return Object.assign(next, { normal: next }) as unknown as Random;
};

const cast = { absolute: 2e-3 };

describe('as torchvision', () => {
  test.each(goldens.resized)('resized crop of $from, box $box, to $to', ({ from, box, to, data }) => {
    const [top, left, height, width] = box;
    const resized = resize(image(...from), ...to, { top, left, height, width });
    expectAllClose(resized.data, data, cast);
  });

  test.each(goldens.centered)('the middle $size of $from at $resize', ({ from, resize: edge, size, data }) => {
    expectAllClose(resizeAndCenterCrop(image(...from), edge, size).data, data, cast);
  });

  test.each(goldens.centeredBytes)(
    'the middle $size of $from at $resize, $interpolation, as PIL has it with 8 bits',
    ({ from, resize: edge, size, interpolation, data }) => {
      const { data: floats, height, width } = image(...from);
      const bytes = { data: Uint8Array.from(floats), height, width };
      const validation = centerCrop({ size, resize: edge, interpolation });
      expect([...validation(bytes, stream()).data]).toEqual(data);
    },
  );

  test.each(goldens.colored)('$operation by $factor', ({ operation, factor, data }) => {
    const changed = image(4, 5);
    ({ brightness, contrast, saturation })[operation](changed, factor);
    // Torchvision weighs red with 0.2989, the standard with 0.299.
    expectAllClose(changed.data, data, { absolute: 0.02 });
  });

  test.each(goldens.boxes)('random boxes of $image are spread alike', ({ image: [h, w], area, logRatio, middle }) => {
    const n = 4000;
    const boxes = Array.from({ length: n }, (_, index) =>
      randomResizedBox(h, w, createRandom({ seed: 1, purpose: 'boxes', index })),
    );
    const measures = [
      [area, boxes.map(({ height, width }) => (height * width) / (h * w))],
      [logRatio, boxes.map(({ height, width }) => Math.log(width / height))],
      [middle, boxes.map(({ left, width }) => (left + width / 2) / w)],
    ] as const;
    for (const [[mean, deviation], values] of measures) {
      const ours = values.reduce((a, b) => a + b, 0) / n;
      const spread = Math.sqrt(values.reduce((a, b) => a + (b - ours) ** 2, 0) / n);
      // Five standard errors of a difference of two means of n draws.
      expect(Math.abs(ours - mean)).toBeLessThan(5 * deviation * Math.sqrt(2 / n));
      expect(Math.abs(spread / deviation - 1)).toBeLessThan(0.08);
    }
  });

  test.each(goldens.fallback)('the box of $image, which fits no ratio, is $box', ({ image: [h, w], box }) => {
    const [top, left, height, width] = box;
    const found = randomResizedBox(h, w, createRandom({ seed: 1, purpose: 'boxes' }), { area: [0.9, 1] });
    expect(found).toEqual({ top, left, height, width });
  });
});

test.each(goldens.scaledHsv)('as colorsys: hue, saturation and value times $factors', ({ factors, data }) => {
  const uniforms = factors.map((factor) => ((factor - 1) / 0.4 + 1) / 2);
  expectAllClose(colorJitter(image(4, 5), 'paper', stream(...uniforms)).data, data, cast);
});

test('as numpy: noise along the principal colours', () => {
  const { normals, shift } = goldens.lighting;
  const black = { data: new Float32Array(3), height: 1, width: 1 };
  expectAllClose(lighting(black, stream(...normals)).data, shift, { absolute: 1e-5 });
});
