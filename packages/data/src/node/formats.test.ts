import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { RawImage } from '../image.js';
import { Decoder } from './decoder.js';
import { jpegHeader } from './worker/jpeg-header.js';

interface Entry {
  name: string;
  height: number;
  width: number;
  /** The file, in base64. */
  bytes: string;
  /** Of the pixels. */
  sha256: string;
}
interface Fixture {
  own: Entry[];
  others: Entry[];
  oriented: (Entry & { orientation: number; upright: string })[];
}
const fixture = JSON.parse(readFileSync(new URL('../fixtures/images.json', import.meta.url), 'utf8')) as Fixture;

const decoder = new Decoder(1);
afterAll(() => decoder.close());

const bytesOf = ({ bytes }: Entry) => new Uint8Array(Buffer.from(bytes, 'base64'));
const hash = ({ data }: RawImage) => createHash('sha256').update(data).digest('hex');
const sizeOf = ({ height, width }: { height: number; width: number }) => [height, width];

describe('as PIL, bit by bit', () => {
  test.each(fixture.own)('JPEG, $name: by this package', async (entry) => {
    expect(jpegHeader(bytesOf(entry))?.scan).toBeDefined();
    const image = await decoder.decode({ name: entry.name, bytes: bytesOf(entry) });
    expect([...sizeOf(image), hash(image)]).toEqual([...sizeOf(entry), entry.sha256]);
  });

  test.each(fixture.others)('$name: by sharp', async (entry) => {
    const image = await decoder.decode({ name: entry.name, bytes: bytesOf(entry) });
    expect([...sizeOf(image), hash(image)]).toEqual([...sizeOf(entry), entry.sha256]);
  });
});

describe('orientation', () => {
  test.each(fixture.oriented)('$orientation', async (entry) => {
    const image = { name: entry.name, bytes: bytesOf(entry) };
    expect(hash(await decoder.decode(image, { orientation: 'stored' }))).toBe(entry.sha256);
    expect(hash(await decoder.decode(image))).toBe(entry.upright);
  });
});
