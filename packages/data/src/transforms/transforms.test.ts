import { createRandom } from '@bag/random';
import { expectAllClose } from '@bag/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FloatImage } from '../image.js';
import { brightness, colorJitter, contrast, saturation } from './color.js';
import { crop, flip, randomResizedBox, resizeAndCenterCrop } from './geometry.js';
import { resize } from './resize.js';
import { imageNetTrain, padCropFlip } from './transforms.js';

const random = (index = 0) => createRandom({ seed: 1, purpose: 'test', index });
const image = (height: number, width: number, f: (y: number, x: number, c: number) => number): FloatImage => ({
  data: Float32Array.from({ length: height * width * 3 }, (_, i) =>
    f(Math.floor(i / (3 * width)), Math.floor(i / 3) % width, i % 3),
  ),
  height,
  width,
});

describe('resize', () => {
  test('by hand: four pixels to two are the triangle’s weights 1/8, 3/8, 3/8, 1/8, cut off at the edge', () => {
    const line = image(1, 4, (_, x) => [0, 8, 16, 24][x] as number);
    // Centres at 1 and 3, support 2: weights 3/4, 3/4, 1/4 of pixels 0, 1, 2, normalised.
    const expected = [(0 * 0.75 + 8 * 0.75 + 16 * 0.25) / 1.75, (8 * 0.25 + 16 * 0.75 + 24 * 0.75) / 1.75];
    const { data } = resize(line, 1, 2);
    expectAllClose([data[0] as number, data[3] as number], expected, { absolute: 1e-5 });
  });

  test('the identity at the same size, a constant stays one, a ramp stays a ramp inside', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (h, w) => {
        const flat = resize(
          image(5, 7, () => 37),
          h,
          w,
        );
        expectAllClose(flat.data, new Float32Array(h * w * 3).fill(37), { absolute: 1e-4 });
      }),
    );
    const ramp = image(6, 6, (y, x, c) => y * 10 + x + c);
    expectAllClose(resize(ramp, 6, 6).data, ramp.data, { absolute: 1e-4 });
  });
});

describe('geometry', () => {
  test('crop reaches over the edge into black; flip mirrors', () => {
    const line = image(1, 2, (_, x) => x + 1);
    const cropped = crop(line, { top: 0, left: -1, height: 1, width: 4 });
    expect([...cropped.data].filter((_, i) => i % 3 === 0)).toEqual([0, 1, 2, 0]);
    expect([...flip(cropped).data].filter((_, i) => i % 3 === 0)).toEqual([0, 2, 1, 0]);
  });

  test('the middle of a resized image, as torchvision rounds: 480×641 at 256 has edges 256×341, left 58', () => {
    const wide = image(480, 641, (_, x) => x);
    const { data, height, width } = resizeAndCenterCrop(wide, 256, 224);
    expect([height, width]).toEqual([224, 224]);
    // (341 − 224)/2 = 58.5 rounds to even, 58; column 58 of 341 has its centre at (58.5)·641/341 − 0.5.
    expect(data[0] as number).toBeCloseTo((58.5 * 641) / 341 - 0.5, 1);
  });

  test('random boxes lie inside, with the area and ratio that are asked for', () => {
    const areas: number[] = [];
    for (let i = 0; i < 2000; i++) {
      const { top, left, height, width } = randomResizedBox(100, 150, random(i));
      expect(top >= 0 && left >= 0 && top + height <= 100 && left + width <= 150).toBe(true);
      expect(width / height).toBeGreaterThan(0.7);
      expect(width / height).toBeLessThan(1.4);
      areas.push((height * width) / 15000);
    }
    expect(Math.min(...areas)).toBeGreaterThan(0.07);
    expect(Math.max(...areas)).toBeLessThanOrEqual(1);
  });

  test('too thin for any ratio: the largest allowed box in the middle', () => {
    expect(randomResizedBox(10, 1000, random())).toEqual({ top: 0, left: 493, height: 10, width: 13 });
  });

  test('pad-crop-flip moves by at most the padding and keeps the values', () => {
    const source = {
      data: Uint8Array.from({ length: 8 * 8 * 3 }, (_, i) => 1 + Math.floor(i / 3)),
      height: 8,
      width: 8,
    };
    const seen = new Set<string>();
    for (let i = 0; i < 300; i++) seen.add([...padCropFlip({ size: 8, padding: 1 })(source, random(i)).data].join());
    // Nine places, mirrored or not.
    expect(seen.size).toBe(18);
    expect(() => padCropFlip({ size: 9 })(source, random())).toThrow('expected images of 9×9 pixels, got 8×8');
  });
});

describe('colour', () => {
  const gray = () => image(2, 2, (y) => (y === 0 ? 100 : 50));

  test('by hand', () => {
    const bright = gray();
    brightness(bright, 1.2);
    expectAllClose([bright.data[0] as number, bright.data[11] as number], [120, 60], { absolute: 1e-4 });
    const flat = gray();
    contrast(flat, 0);
    expectAllClose(flat.data, new Float32Array(12).fill(75), { absolute: 1e-4 });
    const red = image(1, 1, (_, __, c) => (c === 0 ? 200 : 0));
    saturation(red, 0);
    expectAllClose(red.data, new Float32Array(3).fill(0.299 * 200), { absolute: 1e-4 });
  });

  test('`none` changes nothing; the others stay in [0, 255] and depend on their stream only', () => {
    const source = () => image(4, 4, (y, x, c) => (y * 61 + x * 37 + c * 91) % 256);
    expect(colorJitter(source(), 'none', random()).data).toEqual(source().data);
    for (const kind of ['official', 'paper'] as const) {
      const { data } = colorJitter(source(), kind, random());
      expect(data).toEqual(colorJitter(source(), kind, random()).data);
      expect(data).not.toEqual(source().data);
      expect(data.every((v) => v >= 0 && v <= 255)).toBe(true);
    }
  });

  test('the whole training transform has the network’s size', () => {
    const photo = { data: new Uint8Array(60 * 80 * 3).fill(128), height: 60, width: 80 };
    const { data, height, width } = imageNetTrain({ size: 32 })(photo, random());
    expect([height, width, data.length]).toEqual([32, 32, 32 * 32 * 3]);
    expect(data.every(Number.isFinite)).toBe(true);
  });
});
