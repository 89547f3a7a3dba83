import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Shard } from './shard-index.js';
import { isTarHeader, tarBlock } from './tar-file.js';

/** A read from a shard. */
export interface ShardRead {
  path: string;
  offset: number;
  length: number;
}

export interface SampleReaderOptions {
  /** How much is read at once, from the first header to the last image. */
  blockBytes: number;
  /** Images that wait for their turn. */
  buffer: number;
  onRead?: ((read: ShardRead) => void) | undefined;
}

/** Images that lie beside each other and are read together. */
interface Block {
  shard: number;
  /** Numbers of the first image, and of the one after the last. */
  first: number;
  end: number;
}

const readsAtATime = 4;

/**
 * Reads images from shards in large blocks, each once where they are asked for in the order that was announced, or from
 * the first to the last. What a block holds besides the image that was asked for waits for its turn, and is given away
 * when that comes; in another order some blocks are read more often, and no more waits.
 */
export class SampleReader {
  readonly #folder: string;
  readonly #shards: readonly Shard[];
  readonly #firsts: number[] = [];
  readonly #blocks: Block[] = [];
  /** The block of each image. */
  readonly #blockOf: Uint32Array;
  readonly #capacity: number;
  readonly #onRead: SampleReaderOptions['onRead'];
  readonly #waiting = new Map<number, Uint8Array>();
  readonly #loading = new Map<number, { wanted: Set<number>; bytes: Promise<Uint8Array> }>();
  readonly #turns: Promise<unknown>[] = Array.from({ length: readsAtATime }, () => Promise.resolve());
  #turn = 0;
  #places: Uint32Array | undefined;
  #lastPlace = -1;

  constructor(folder: string, shards: readonly Shard[], { blockBytes, buffer, onRead }: SampleReaderOptions) {
    this.#folder = folder;
    this.#shards = shards;
    this.#onRead = onRead;
    let total = 0;
    for (const [shard, { offsets, sizes }] of shards.entries()) {
      this.#firsts.push(total);
      let block: Block | undefined;
      for (let i = 0; i < sizes.length; i++) {
        const end = (offsets[i] as number) + (sizes[i] as number);
        const begin = block && (offsets[block.first - total] as number) - tarBlock;
        if (block === undefined || begin === undefined || end - begin > blockBytes) {
          block = { shard, first: total + i, end: total + i };
          this.#blocks.push(block);
        }
        block.end++;
      }
      total += sizes.length;
    }
    this.#blockOf = new Uint32Array(total);
    for (const [number, { first, end }] of this.#blocks.entries()) this.#blockOf.fill(number, first, end);
    this.#capacity = buffer + 2 * this.#blocks.reduce((most, { first, end }) => Math.max(most, end - first), 0);
  }

  /** How many blocks there are. */
  get blocks(): number {
    return this.#blocks.length;
  }

  /** How many images wait for their turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Announces an order, so that nothing waits in vain. */
  expect(order: Uint32Array): void {
    this.#waiting.clear();
    this.#places = new Uint32Array(order.length);
    for (const [place, index] of order.entries()) this.#places[index] = place;
    this.#lastPlace = -1;
  }

  /**
   * The bytes of an image, which are the caller's.
   * @throws Error naming the shard where it is not what its index says.
   */
  async read(index: number): Promise<Uint8Array> {
    this.#follow(index);
    const waiting = this.#waiting.get(index);
    if (waiting !== undefined) {
      this.#waiting.delete(index);
      return waiting;
    }
    const number = this.#blockOf[index];
    if (number === undefined) throw new RangeError(`${this.#folder} has no image ${index}`);
    const loading = this.#loading.get(number) ?? this.#load(number);
    loading.wanted.add(index);
    return this.#cut(index, await loading.bytes);
  }

  /** Notes how far the announced order has come, or that it is not kept. */
  #follow(index: number): void {
    const place = this.#places?.[index];
    if (place === undefined) return;
    if (place > this.#lastPlace) this.#lastPlace = place;
    else this.#places = undefined;
  }

  #load(number: number): { wanted: Set<number>; bytes: Promise<Uint8Array> } {
    const block = this.#blocks[number] as Block;
    const turn = this.#turn++ % readsAtATime;
    const bytes = (this.#turns[turn] as Promise<unknown>).then(() => this.#readBlock(block));
    this.#turns[turn] = bytes.catch(() => undefined);
    const loading = { wanted: new Set<number>(), bytes };
    this.#loading.set(number, loading);
    const loaded = (content?: Uint8Array) => {
      this.#loading.delete(number);
      if (content !== undefined) this.#keep(block, loading.wanted, content);
    };
    bytes.then(loaded, () => loaded());
    return loading;
  }

  async #readBlock(block: Block): Promise<Uint8Array> {
    const { file, offsets, sizes } = this.#shards[block.shard] as Shard;
    const first = this.#firsts[block.shard] as number;
    const last = block.end - 1 - first;
    const offset = (offsets[block.first - first] as number) - tarBlock;
    const length = (offsets[last] as number) + (sizes[last] as number) - offset;
    const path = join(this.#folder, file);
    this.#onRead?.({ path, offset, length });
    const handle = await open(path);
    try {
      const bytes = new Uint8Array(length);
      const { bytesRead } = await handle.read(bytes, 0, length, offset);
      if (bytesRead < length) throw new Error(`${path} is cut off; copy or make it again`);
      return bytes;
    } finally {
      await handle.close();
    }
  }

  #keep({ first, end }: Block, wanted: ReadonlySet<number>, content: Uint8Array): void {
    for (let index = first; index < end; index++) {
      const isOver = this.#places !== undefined && (this.#places[index] as number) <= this.#lastPlace;
      if (wanted.has(index) || isOver) continue;
      try {
        this.#waiting.set(index, this.#cut(index, content));
      } catch {
        // Whoever asks for it hears why.
      }
    }
    for (const oldest of this.#waiting.keys()) {
      if (this.#waiting.size <= this.#capacity) break;
      this.#waiting.delete(oldest);
    }
  }

  /** A copy: the block must not live as long as its last image, nor travel to a thread with it. */
  #cut(index: number, content: Uint8Array): Uint8Array {
    const block = this.#blocks[this.#blockOf[index] as number] as Block;
    const { file, offsets, sizes } = this.#shards[block.shard] as Shard;
    const first = this.#firsts[block.shard] as number;
    const size = sizes[index - first] as number;
    const at = (offsets[index - first] as number) - (offsets[block.first - first] as number) + tarBlock;
    if (!isTarHeader(content.subarray(at - tarBlock, at), size)) {
      throw new Error(
        `${join(this.#folder, file)} is damaged, or not what its index says, before byte ${offsets[index - first] ?? 0}; ` +
          'copy or make it again',
      );
    }
    return content.slice(at, at + size);
  }
}
