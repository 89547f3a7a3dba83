import { createRandom, type Random } from '@bag/random';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { BadImageError } from '../../dataset.js';
import type { Box, RawImage } from '../../image.js';
import { planOf } from '../../transforms/plan.js';
import { Decoder, type Orientation } from '../decoder.js';
import { jpegHeader } from './jpeg-header.js';
import { Pixels, Undecodable } from './pixels.js';

// One of each for all files: what a damaged one leaves behind must not reach the next.
const pixels = new Pixels();
const decoder = new Decoder(1);
afterAll(() => decoder.close());

const randomOf = (name: string) => createRandom({ seed: 11, purpose: `mutations of ${name}` });

/** Waves with noise. */
function picture(width: number, height: number, channels: 1 | 3) {
  const random = randomOf('nothing');
  const data = Uint8ClampedArray.from({ length: width * height * channels }, (_, i) => {
    const [x, y] = [Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    return 128 + 80 * Math.sin(x / 7 + y / 5 + (i % channels)) + 60 * (random() - 0.5);
  });
  return sharp(data, { raw: { width, height, channels } });
}

const jpegs: [string, Promise<Buffer>][] = [
  ['4:4:4', picture(48, 40, 3).jpeg({ quality: 90, chromaSubsampling: '4:4:4' }).toBuffer()],
  ['4:4:4, fine', picture(24, 17, 3).jpeg({ quality: 99, chromaSubsampling: '4:4:4' }).toBuffer()],
  ['4:2:0', picture(33, 21, 3).jpeg({ quality: 75 }).toBuffer()],
  ['4:2:0, common Huffman codes', picture(64, 64, 3).jpeg({ quality: 40, optimiseCoding: false }).toBuffer()],
  ['4:2:0, coarse', picture(17, 70, 3).jpeg({ quality: 8 }).toBuffer()],
  ['grey', picture(40, 33, 1).toColourspace('b-w').jpeg({ quality: 85 }).toBuffer()],
  ['turned', picture(40, 30, 3).withMetadata({ orientation: 6 }).jpeg({ quality: 85 }).toBuffer()],
];
// sharp writes no restart markers.
const fixture = JSON.parse(readFileSync(new URL('../../fixtures/images.json', import.meta.url), 'utf8')) as {
  own: { name: string; bytes: string }[];
};
for (const { name, bytes } of fixture.own) {
  if (name.startsWith('restart')) jpegs.push([name, Promise.resolve(Buffer.from(bytes, 'base64'))]);
}

/** Some bytes before or after the scan's header are others, too many or too few, or the end is missing. */
function mutant(file: Uint8Array, random: Random): Uint8Array {
  const scan = jpegHeader(file)?.scan?.start ?? 0;
  const place = () => (random() < 0.5 ? 2 + random.integer(scan - 2) : scan + random.integer(file.length - scan));
  const byte = (old: number) =>
    [random.integer(256), old ^ (1 << random.integer(8)), 0, 255][random.integer(4)] as number;
  const kind = random();
  if (kind < 0.1) return file.slice(0, random.integer(file.length));
  if (kind < 0.25) {
    const at = place();
    const added = Uint8Array.from({ length: random.integer(3) }, () => byte(0));
    return Buffer.concat([file.subarray(0, at), added, file.subarray(at + random.integer(3))]);
  }
  const changed = file.slice();
  for (let count = 1 + random.integer(3); count > 0; count--) {
    const at = place();
    changed[at] = byte(changed[at] as number);
  }
  return changed;
}

type Decoded = RawImage | 'refused';

async function bySharp(file: Uint8Array, orientation: Orientation): Promise<Decoded> {
  try {
    const image = sharp(file, { failOn: 'truncated', ignoreIcc: true, autoOrient: orientation === 'exif' });
    const { data, info } = await image.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
    const { height, width, channels } = info;
    if (channels === 3) return { data: new Uint8Array(data), height, width };
    return {
      data: Uint8Array.from({ length: 3 * data.length }, (_, i) => data[Math.floor(i / 3)] as number),
      height,
      width,
    };
  } catch {
    return 'refused';
  }
}

async function byDecoder(name: string, bytes: Uint8Array, orientation: Orientation): Promise<Decoded> {
  try {
    return await decoder.decode({ name, bytes }, { orientation });
  } catch (error) {
    expect(error).toBeInstanceOf(BadImageError);
    expect((error as Error).message).toContain(`cannot read the image ${name}: `);
    return 'refused';
  }
}

/** A square in the middle, decoded alone, and where it lies; undefined where sharp is to decode the file. */
function middle(file: Uint8Array, random: Random): { data: Uint8Array; box: Box } | undefined {
  const header = jpegHeader(file);
  if (header?.scan === undefined) return undefined;
  const { height, width, scan } = header;
  const size = 12;
  const resize = Math.min(height, width);
  const plan = planOf({ kind: 'center-crop', size, resize, interpolation: 'bilinear' }, header, random);
  // Sizes that the file does not hold would take long to refuse.
  if (plan === undefined || height * width > 1e6) return undefined;
  const into = new Float32Array(3 * size * size);
  try {
    pixels.transformJpeg(file, { ...header, scan }, plan, { mean: [0, 0, 0], deviation: [1, 1, 1] }, into);
    return { data: Uint8Array.from(into, Math.round), box: plan.window };
  } catch (error) {
    expect(error).toBeInstanceOf(Undecodable);
    return undefined;
  }
}

function cut({ data, width }: RawImage, box: Box): Uint8Array {
  const rows = Array.from({ length: box.height }, (_, y) => {
    const from = 3 * ((box.top + y) * width + box.left);
    return data.subarray(from, from + 3 * box.width);
  });
  return Buffer.concat(rows);
}

/** Short enough for the message of a failed test. */
const digest = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
const summary = (image: Decoded) =>
  image === 'refused' ? image : `${image.width}×${image.height} ${digest(image.data)}`;

describe('damaged files are refused as by sharp, or give its pixels, bit by bit', () => {
  test.each(jpegs)('%s', async (name, buffer) => {
    const random = randomOf(name);
    const file = new Uint8Array(await buffer);
    expect(jpegHeader(file)?.scan).toBeDefined();
    const counts = { refused: 0, decoded: 0, parts: 0 };
    for (let i = 0; i < 70; i++) {
      const changed = mutant(file, random);
      const [stored, upright] = [await bySharp(changed, 'stored'), await bySharp(changed, 'exif')];
      expect(summary(await byDecoder(`${i}.jpg`, changed, 'stored'))).toBe(summary(stored));
      expect(summary(await byDecoder(`${i}.jpg`, changed, 'exif'))).toBe(summary(upright));
      counts[stored === 'refused' ? 'refused' : 'decoded']++;
      const part = middle(changed, random);
      if (part === undefined) continue;
      counts.parts++;
      expect(stored).not.toBe('refused');
      expect(digest(part.data)).toBe(digest(cut(stored as RawImage, part.box)));
    }
    // None of these happens to be left out.
    expect(Math.min(counts.refused, counts.decoded, counts.parts)).toBeGreaterThan(5);
    expect(summary(await byDecoder('whole', file, 'exif'))).toBe(summary(await bySharp(file, 'exif')));
  });
});
