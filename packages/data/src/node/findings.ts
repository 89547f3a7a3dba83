import type { Dataset } from '../dataset.js';

/** Something in a data set that its owner would want to know. */
export interface Finding {
  /**
   * `unreadable` and `truncated` images are skipped in training; `duplicate` ones have the same pixels; one of an `odd
   * size` differs from nearly all others, or is very small or narrow beside them; `ignored` files are not read at all.
   */
  problem: 'unreadable' | 'truncated' | 'duplicate' | 'odd size' | 'ignored';
  images: string[];
  detail: string;
}

/** What is remembered of the images of all splits, numbered through: sizes, and 96 bits of a hash of the pixels. */
export class Scans {
  readonly size: number;
  readonly #splits: readonly Dataset[];
  /** 0 where an image has not been read. */
  readonly heights: Uint32Array;
  readonly widths: Uint32Array;
  readonly #hashes: Uint32Array;

  constructor(splits: readonly Dataset[]) {
    this.#splits = splits;
    this.size = splits.reduce((sum, { size }) => sum + size, 0);
    this.heights = new Uint32Array(this.size);
    this.widths = new Uint32Array(this.size);
    this.#hashes = new Uint32Array(3 * this.size);
  }

  note(number: number, { height, width, hash }: { height: number; width: number; hash: Buffer }): void {
    this.heights[number] = height;
    this.widths[number] = width;
    for (let i = 0; i < 3; i++) this.#hashes[3 * number + i] = hash.readUInt32LE(4 * i);
  }

  /** The images that have been read. */
  get read(): Uint32Array {
    return Uint32Array.from({ length: this.size }, (_, number) => number).filter(
      (number) => this.heights[number] !== 0,
    );
  }

  /** In which split an image is, what it is called, and its class. */
  describe(number: number): { split: number; name: string; class: string } {
    let [split, index] = [0, number];
    for (; index >= (this.#splits[split] as Dataset).size; split++) index -= (this.#splits[split] as Dataset).size;
    const dataset = this.#splits[split] as Dataset;
    const name = dataset.nameOf?.(index) ?? `${dataset.name} image ${index}`;
    return { split, name, class: dataset.classes[dataset.labels[index] as number] as string };
  }

  /** The groups of images with the same pixels, in the order of their first ones. */
  alike(): number[][] {
    const hashes = this.#hashes;
    const compare = (a: number, b: number) => {
      for (let i = 0; i < 3; i++) {
        const difference = (hashes[3 * a + i] as number) - (hashes[3 * b + i] as number);
        if (difference !== 0) return difference;
      }
      return 0;
    };
    const sorted = this.read.sort((a, b) => compare(a, b) || a - b);
    const groups: number[][] = [];
    for (let i = 0, from = 0; i < sorted.length; i++) {
      const next = sorted[i + 1];
      if (next !== undefined && compare(sorted[i] as number, next) === 0) continue;
      if (i > from) groups.push([...sorted.subarray(from, i + 1)]);
      from = i + 1;
    }
    return groups.sort(([a = 0], [b = 0]) => a - b);
  }
}

export function duplicates(scans: Scans): Finding[] {
  return scans.alike().map((group) => {
    const images = group.map((number) => scans.describe(number));
    const classes = [...new Set(images.map((image) => image.class))];
    const detail = [
      new Set(images.map(({ split }) => split)).size > 1 ? 'in training and validation' : '',
      classes.length > 1 ? `under the classes ${classes.join(', ')}` : '',
    ].filter((text) => text !== '');
    return {
      problem: 'duplicate',
      images: images.map(({ name }) => name),
      detail: detail.join(', ') || 'within a class',
    };
  });
}

/** A data set has a usual size if so many of its images have it. */
const usualShare = 0.9;
/** A crop for training keeps little of an image whose edges differ more than this. */
const mostElongated = 3;
/** Below this share of the median shorter edge, an image has much less detail than the others. */
const leastEdge = 0.25;

export function oddSizes(scans: Scans): Finding[] {
  const { read, heights, widths } = scans;
  const [h, w] = [(number: number) => heights[number] as number, (number: number) => widths[number] as number];
  const sizeOf = (number: number) => `${w(number)}×${h(number)}`;
  const odd = (number: number, why: string): Finding => ({
    problem: 'odd size',
    images: [scans.describe(number).name],
    detail: `${sizeOf(number)}, ${why}`,
  });
  const counts = new Map<string, number>();
  for (const number of read) counts.set(sizeOf(number), (counts.get(sizeOf(number)) ?? 0) + 1);
  const [usual] = [...counts].sort(([, a], [, b]) => b - a);
  if (usual === undefined) return [];
  const [usualSize, count] = usual;
  if (count >= usualShare * read.length) {
    const others = [...read.filter((number) => sizeOf(number) !== usualSize)];
    return others.map((number) => odd(number, `nearly all others ${usualSize}`));
  }
  const shorter = (number: number) => Math.min(w(number), h(number));
  const median = read.map(shorter).sort()[read.length >> 1] as number;
  const isSmall = (number: number) => shorter(number) < leastEdge * median;
  const isNarrow = (number: number) => Math.max(w(number), h(number)) > mostElongated * shorter(number);
  return [...read.filter((number) => isSmall(number) || isNarrow(number))].map((number) =>
    odd(number, isSmall(number) ? `small: the median shorter edge is ${median}` : 'very elongated'),
  );
}
