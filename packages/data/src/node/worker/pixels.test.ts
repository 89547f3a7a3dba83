import { createRandom } from '@bag/random';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import type { RawImage } from '../../image.js';
import { normalize } from '../../transforms/normalization.js';
import { carryOut, type Plan, planOf, type TransformDescription } from '../../transforms/plan.js';
import { jpegHeader, type JpegHeader, type JpegScan } from './jpeg-header.js';
import { Pixels, Undecodable } from './pixels.js';

const pixels = new Pixels();
const normalization = { mean: [120, 110, 100], deviation: [60, 58, 57] } as const;
const random = (index: number) => createRandom({ seed: 5, purpose: 'test', index });

/** Smooth and noisy at once, with flat, grey and black places. */
function image(height: number, width: number, seed: number): RawImage {
  const next = random(seed);
  const data = Uint8Array.from({ length: height * width * 3 }, (_, i) => {
    const [y, x, c] = [Math.floor(i / 3 / width), Math.floor(i / 3) % width, i % 3];
    if (x < 3) return 0;
    if (y < 3) return 90;
    return 128 + 90 * Math.sin(x / 5 + y / 3 + 2 * c) + 37 * next();
  });
  return { data, height, width };
}

/** The largest difference from the reference, in levels of 0 to 255. */
function difference(actual: Float32Array, source: RawImage, plan: Plan): number {
  const { data } = carryOut(source, plan);
  const expected = new Float32Array(data.length);
  normalize(data, expected, 0, normalization);
  const ambiguous = onTheSeam(source, plan);
  return expected.reduce((most, v, i) => {
    if (ambiguous.has(Math.floor(i / 3))) return most;
    return Math.max(most, Math.abs(v - (actual[i] as number)) * (normalization.deviation[i % 3] as number));
  }, 0);
}

/** Reds whose hue is 0 or the whole circle, by rounding: scaled, these are two hues. */
function onTheSeam(source: RawImage, plan: Plan): Set<number> {
  const seam = new Set<number>();
  if (plan.colors[0]?.kind !== 'hsv') return seam;
  const { data } = carryOut(source, { ...plan, colors: [], shift: [0, 0, 0] });
  for (let i = 0; i < data.length; i += 3) {
    const [r, g, b] = data.subarray(i, i + 3) as unknown as [number, number, number];
    if (r >= Math.max(g, b) && Math.abs(g - b) < 1e-3) seam.add(i / 3);
  }
  return seam;
}

const jitters = ['official', 'paper', 'none'] as const;
const trainings = fc.record({
  kind: fc.constant('imagenet-train' as const),
  size: fc.integer({ min: 4, max: 40 }),
  jitter: fc.constantFrom(...jitters),
  lighting: fc.boolean(),
});
const validations = fc
  .record({
    kind: fc.constant('center-crop' as const),
    size: fc.integer({ min: 4, max: 40 }),
    more: fc.integer({ min: 0, max: 20 }),
    interpolation: fc.constantFrom('bilinear' as const, 'bicubic' as const),
  })
  .map(({ more, ...rest }) => ({ ...rest, resize: rest.size + more }));
const descriptions: fc.Arbitrary<TransformDescription> = fc.oneof(trainings, validations);

describe('as the transforms in TypeScript, to 1e-3 of 255 levels', () => {
  test('decoded images of any size', () => {
    const side = fc.integer({ min: 4, max: 90 });
    const seed = fc.nat(1000);
    fc.assert(
      fc.property(side, side, seed, descriptions, (height, width, index, description) => {
        const source = image(height, width, index);
        const plan = planOf(description, source, random(index)) as Plan;
        const into = new Float32Array(description.size ** 2 * 3);
        pixels.transform(source, plan, normalization, into);
        expect(difference(into, source, plan)).toBeLessThan(1e-3);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  test('a photograph-sized image, in every order of the colour changes', () => {
    const source = image(375, 500, 0);
    const orders = new Set<string>();
    const into = new Float32Array(224 * 224 * 3);
    for (let index = 0; orders.size < 6; index++) {
      const description = { kind: 'imagenet-train', size: 224, jitter: 'official', lighting: true } as const;
      const plan = planOf(description, source, random(index)) as Plan;
      const order = plan.colors.map(({ kind }) => kind).join();
      if (orders.has(order)) continue;
      orders.add(order);
      pixels.transform(source, plan, normalization, into);
      expect(difference(into, source, plan)).toBeLessThan(1e-3);
    }
  });
});

describe('JPEG files', () => {
  const fixture = JSON.parse(readFileSync(new URL('../../fixtures/images.json', import.meta.url), 'utf8')) as {
    own: { name: string; bytes: string }[];
  };
  const fileOf = ({ bytes }: { bytes: string }) => new Uint8Array(Buffer.from(bytes, 'base64'));
  const headerOf = (bytes: Uint8Array) => jpegHeader(bytes) as JpegHeader & { scan: JpegScan };

  test.each(fixture.own)('$name: a part decoded alone is that part of the whole', (entry) => {
    const bytes = fileOf(entry);
    const header = headerOf(bytes);
    const whole = pixels.decode(bytes, header);
    const [sample] = fc.sample(fc.array(fc.tuple(descriptions, fc.nat(1000)), { minLength: 40, maxLength: 40 }), {
      seed: 2,
      numRuns: 1,
    });
    for (const [description, index] of sample ?? []) {
      const plan = planOf(description, whole, random(index));
      // Smaller than the crop.
      if (plan === undefined) continue;
      const into = new Float32Array(description.size ** 2 * 3);
      pixels.transformJpeg(bytes, header, plan, normalization, into);
      expect(difference(into, whole, plan)).toBeLessThan(1e-3);
    }
  });

  test.each([1, 30, 75, 100])(
    'the sharpest edges that there are, quality %i: not too large, as sharp',
    async (quality) => {
      const drawings = [
        (x: number, y: number) => x % 11 < 5 && y % 9 < 4,
        (x: number, y: number) => (x + y) % 2 === 0,
        (x: number, y: number) => Math.hypot(x - 30, y - 25) < 20,
        (x: number, y: number) => random(64 * y + x)() < 0.5,
      ];
      for (const isWhite of drawings) {
        const gray = Uint8Array.from({ length: 64 * 64 }, (_, i) => (isWhite(i % 64, i >> 6) ? 255 : 0));
        const raw = { width: 64, height: 64, channels: 1 } as const;
        const file = await sharp(gray, { raw }).jpeg({ quality, chromaSubsampling: '4:4:4' }).toBuffer();
        const bytes = new Uint8Array(file);
        const { data } = pixels.decode(bytes, headerOf(bytes));
        expect(Buffer.compare(data, await sharp(file).toColourspace('srgb').raw().toBuffer())).toBe(0);
      }
    },
  );

  test.each(fixture.own)('$name: cut off anywhere, or with any byte changed, it is refused or decoded', (entry) => {
    const bytes = fileOf(entry);
    const { start } = headerOf(bytes).scan;
    const next = random(3);
    for (let i = 0; i < 60; i++) {
      const cut = bytes.subarray(0, start + next.integer(bytes.length - start));
      expect(() => pixels.decode(cut, headerOf(cut))).toThrow(Undecodable);
      const changed = bytes.slice();
      changed[next.integer(bytes.length)] = next.integer(256);
      const header = jpegHeader(changed);
      // Sizes that the file does not hold would take long to refuse.
      if (header?.scan === undefined || header.height * header.width > 1e6) continue;
      try {
        const { data, height, width } = pixels.decode(changed, headerOf(changed));
        expect(data.length).toBe(height * width * 3);
      } catch (error) {
        expect(error).toBeInstanceOf(Undecodable);
      }
    }
    const { height, width } = pixels.decode(bytes, headerOf(bytes));
    expect([height, width]).toEqual([headerOf(bytes).height, headerOf(bytes).width]);
  });
});
