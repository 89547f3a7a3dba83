import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Dataset } from '../dataset.js';
import { requireSplit, type Split } from '../split.js';
import { classList, numbered } from './class-list.js';
import { toSquare } from './square.js';

const prefixes: Record<Split, string> = { train: 'train', validation: 't10k' };
const unzip = promisify(gunzip);

/** The names of a split's files; undefined for one that is missing. */
async function filesOf(
  path: string,
  split: Split,
): Promise<{ images: string | undefined; labels: string | undefined }> {
  const present = await readdir(path).catch((): string[] => []);
  const find = (what: string, dimensions: number) =>
    present.find((file) => new RegExp(`^${prefixes[split]}-${what}[-.]idx${dimensions}-ubyte(\\.gz)?$`).test(file));
  return { images: find('images', 3), labels: find('labels', 1) };
}

export async function hasIdxSplit(path: string, split: Split): Promise<boolean> {
  return (await filesOf(path, split)).images !== undefined;
}

/**
 * MNIST, Fashion-MNIST or whatever has their IDX files, `train-images-idx3-ubyte` and so on, as downloaded (`.gz`) or
 * unpacked; wholly in memory, grey in all three channels. Class names are the lines of `classes.txt`, or else the ten
 * digits.
 *
 * A file is its magic number (0x0803 for images, 0x0801 for labels), its dimensions as big-endian 32-bit numbers, and
 * its bytes.
 *
 * @throws Error naming a missing or damaged file.
 * Source: the data set's home page (LeCun, Cortes and Burges).
 * @example
 * const training = await idx('mnist', { split: 'train', squareSize: 32 });
 */
export async function idx(
  path: string,
  { split, squareSize }: { split: Split; squareSize?: number | undefined },
): Promise<Dataset> {
  requireSplit('idx', split);
  const { images, labels } = await filesOf(path, split);
  if (images === undefined || labels === undefined) {
    const missing = images === undefined ? 'images-idx3' : 'labels-idx1';
    throw new Error(`${path} has no ${prefixes[split]}-${missing}-ubyte or ${prefixes[split]}-${missing}-ubyte.gz`);
  }
  const pixels = await readIdx(join(path, images), 3);
  const marks = await readIdx(join(path, labels), 1);
  const [size = 0, height = 0, width = 0] = pixels.shape;
  if (size === 0 || height === 0 || width === 0) throw new Error(`${join(path, images)} holds no images`);
  if (marks.shape[0] !== size) {
    throw new Error(
      `${join(path, labels)} has ${marks.shape[0] ?? 0} labels for ${size} images; take both from one source`,
    );
  }
  const classes = (await classList(path)) ?? numbered(10);
  const wrong = marks.data.findIndex((label) => label >= classes.length);
  if (wrong >= 0) {
    throw new Error(
      `${join(path, labels)}: image ${wrong} has the label ${marks.data[wrong] ?? ''}, and there are ` +
        `${classes.length} classes; name them all in classes.txt, one a line`,
    );
  }
  return {
    name: `${path} ${split}`,
    classes,
    size,
    labels: Int32Array.from(marks.data),
    nameOf: (index) => `${join(path, images)} image ${index}`,
    get: (index) => {
      const grey = pixels.data.subarray(index * height * width, (index + 1) * height * width);
      const data = new Uint8Array(3 * grey.length);
      for (const [i, value] of grey.entries()) data.fill(value, 3 * i, 3 * i + 3);
      const image = { data, height, width };
      return squareSize === undefined ? image : toSquare(image, squareSize);
    },
  };
}

async function readIdx(path: string, dimensions: number): Promise<{ shape: number[]; data: Uint8Array }> {
  const stored = await readFile(path);
  const isZipped = stored[0] === 0x1f && stored[1] === 0x8b;
  const bytes = isZipped
    ? await unzip(stored).catch((error: unknown) => {
        throw new Error(`${path} cannot be unpacked (${(error as Error).message}); get it again`);
      })
    : stored;
  const header = 4 * (1 + dimensions);
  const magic = 0x0800 + dimensions;
  if (bytes.length < header || bytes.readUInt32BE(0) !== magic) {
    const found =
      bytes.length < 4 ? `${bytes.length} bytes` : `0x${bytes.readUInt32BE(0).toString(16).padStart(8, '0')}`;
    throw new Error(
      `${path} begins with ${found}, not with 0x${magic.toString(16).padStart(8, '0')}: no IDX file of ${
        dimensions === 3 ? 'images' : 'labels'
      }`,
    );
  }
  const shape = Array.from({ length: dimensions }, (_, i) => bytes.readUInt32BE(4 * (i + 1)));
  const expected = header + shape.reduce((product, size) => product * size, 1);
  if (bytes.length !== expected) {
    throw new Error(
      `${path} says ${shape.join(' × ')}, which is ${expected} bytes, and has ${bytes.length}; get it again`,
    );
  }
  return { shape, data: bytes.subarray(header) };
}
