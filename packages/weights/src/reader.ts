/** Reads little-endian numbers one after the other, and never beyond the end. */
export class ByteReader {
  readonly #view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    public offset = 0,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.byteLength - this.offset;
  }

  /** @throws Error where the file ends before that. */
  #advance(count: number, what: string): number {
    if (count > this.left) throw new Error(`the file ends within ${what}; it is cut off or damaged`);
    const start = this.offset;
    this.offset += count;
    return start;
  }

  take(count: number, what: string): Uint8Array {
    const start = this.#advance(count, what);
    return this.bytes.subarray(start, start + count);
  }

  uint8(what: string): number {
    return this.#view.getUint8(this.#advance(1, what));
  }

  uint16(what: string): number {
    return this.#view.getUint16(this.#advance(2, what), true);
  }

  uint32(what: string): number {
    return this.#view.getUint32(this.#advance(4, what), true);
  }

  int32(what: string): number {
    return this.#view.getInt32(this.#advance(4, what), true);
  }

  /** A count or a size; more than 2⁵³ come back inexact, and are beyond any file. */
  int64(what: string): number {
    return Number(this.#view.getBigInt64(this.#advance(8, what), true));
  }

  /** An `int64` that is no less than 0. */
  count(what: string): number {
    const count = this.int64(what);
    if (count < 0) throw new Error(`${what} is ${count}; the file is damaged`);
    return count;
  }

  /** Big-endian, as pickles have it. */
  float64(what: string): number {
    return this.#view.getFloat64(this.#advance(8, what), false);
  }

  /** `count` elements' bytes. */
  elements(count: number, bytesEach: number, what: string): Uint8Array {
    if (!Number.isSafeInteger(count) || count < 0 || count * bytesEach > this.left) {
      throw new Error(
        `${what} claims ${count} values, and ${this.left} bytes are left; the file is cut off or damaged`,
      );
    }
    return this.take(count * bytesEach, what);
  }
}
