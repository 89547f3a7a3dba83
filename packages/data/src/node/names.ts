/** A list of names in one piece of memory: a million short strings of JavaScript take several times as much. */
export class Names {
  readonly #bytes: Buffer;
  /** Where each name begins, and one more. */
  readonly #starts: Uint32Array;

  /** @param bytes UTF-8, a zero byte after each name. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    let count = 0;
    for (let at = bytes.indexOf(0); at >= 0; at = bytes.indexOf(0, at + 1)) count++;
    this.#starts = new Uint32Array(count + 1);
    for (let i = 0; i < count; i++) this.#starts[i + 1] = bytes.indexOf(0, this.#starts[i]) + 1;
  }

  static from(names: readonly string[]): Names {
    return new Names(Buffer.from(names.map((name) => `${name}\0`).join('')));
  }

  get length(): number {
    return this.#starts.length - 1;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  at(index: number): string {
    return this.#bytes.toString('utf8', this.#starts[index], (this.#starts[index + 1] as number) - 1);
  }
}
