import type { DataId, TensorInfo } from '@tensorflow/tfjs-core';
import type { HalfFormat } from './half.js';
import { type BlockId, native } from './native.js';
import type { NumericDType } from './storage.js';

const codes: Record<string, number> = { float32: 0, int32: 1, bool: 2, bfloat16: 3, float16: 4 };
const numbers = new Map(native.kernels.map((name, i) => [name, i]));
const frame = native.frame;

/** The number of a native kernel, for `backend.call`. */
export function kernelNumber(name: string): number {
  const number = numbers.get(name);
  if (number === undefined) throw new Error(`the native part of @bag/tfjs-backend-onednn has no kernel ${name}`);
  return number;
}

/** What a call needs of the backend. */
interface Tensors {
  blockOf(dataId: DataId): BlockId;
  /** The format of a tensor that is stored in 16 bits. */
  halfOf(dataId: DataId): HalfFormat | undefined;
  /** A block with a 16-bit tensor's values in 32. */
  widen(dataId: DataId): BlockId;
  uninitialised(shape: number[], dtype: NumericDType, half?: HalfFormat): TensorInfo;
  disposeData(dataId: DataId): boolean;
}

/**
 * One call of a native kernel: arguments in the order in which the kernel reads them, then `run`.
 *
 * @example
 * const call = backend.call(kernelNumber('MatMul'));
 * call.tensor(a);
 * call.tensor(b);
 * call.absent(); // no bias
 * const y = call.output([batch, rows, columns]);
 * …
 * call.run();
 */
export class Call {
  readonly #backend: Tensors;
  #kernel = 0;
  #length = 0;
  #outputs: TensorInfo[] = [];
  /** Blocks that live as long as the call. */
  #widened: BlockId[] = [];

  constructor(backend: Tensors) {
    this.#backend = backend;
  }

  begin(kernel: number): this {
    this.#kernel = kernel;
    this.#length = 0;
    this.#outputs = [];
    this.#widened = [];
    return this;
  }

  number(value: number): void {
    frame[this.#length++] = value;
  }

  flag(value: boolean): void {
    frame[this.#length++] = value ? 1 : 0;
  }

  /** A list, its length first. */
  numbers(values: ArrayLike<number>): void {
    this.number(values.length);
    for (let i = 0; i < values.length; i++) this.number(values[i] as number);
  }

  /** A tensor, under another shape of the same size if one is given; one that is stored in 16 bits as a copy in 32. */
  tensor({ dataId, dtype, shape: own }: TensorInfo, shape: readonly number[] = own): void {
    const block = this.#backend.halfOf(dataId) === undefined ? this.#backend.blockOf(dataId) : this.#wide(dataId);
    this.#describe(block, dtype, shape);
  }

  /** A tensor as it is stored, for kernels that take 16 bits. */
  stored({ dataId, dtype, shape: own }: TensorInfo, shape: readonly number[] = own): void {
    this.#describe(this.#backend.blockOf(dataId), this.#backend.halfOf(dataId) ?? dtype, shape);
  }

  /** A tensor as it is stored where that is `half`, else in 32 bits. */
  operand(tensor: TensorInfo, half: HalfFormat | undefined, shape?: readonly number[]): void {
    if (half === undefined) this.tensor(tensor, shape);
    else this.stored(tensor, shape);
  }

  #describe(block: BlockId, dtype: string, shape: readonly number[]): void {
    const code = codes[dtype];
    if (code === undefined) throw new TypeError(`a native kernel takes no ${dtype} tensor`);
    this.number(block);
    this.number(code);
    this.numbers(shape);
  }

  #wide(dataId: DataId): BlockId {
    // Widening is a call of its own, in the same frame.
    const begun = frame.slice(0, this.#length);
    const block = this.#backend.widen(dataId);
    frame.set(begun);
    this.#widened.push(block);
    return block;
  }

  /** A tensor that need not be there; see `operand`. */
  optional(tensor: TensorInfo | undefined, half?: HalfFormat): void {
    this.flag(tensor !== undefined);
    if (tensor !== undefined) this.operand(tensor, half);
  }

  absent(): void {
    this.flag(false);
  }

  /** A new tensor for the kernel to fill; `abandon` frees it if the call fails. The kernel may see it under another shape. */
  output(shape: number[], dtype: NumericDType = 'float32', seenAs?: readonly number[]): TensorInfo {
    return this.storedOutput(shape, undefined, dtype, seenAs);
  }

  /** The same, stored in 16 bits if a format is given. */
  storedOutput(
    shape: number[],
    half: HalfFormat | undefined,
    dtype: NumericDType = 'float32',
    seenAs: readonly number[] = shape,
  ): TensorInfo {
    const tensor = this.#backend.uninitialised(shape, dtype, half);
    this.#outputs.push(tensor);
    this.stored(tensor, seenAs);
    return tensor;
  }

  /** A new tensor that is stored as another one is, for kernels that move values: a rounded one moved is itself. */
  outputLike({ dataId, dtype }: TensorInfo, shape: number[], seenAs?: readonly number[]): TensorInfo {
    return this.storedOutput(shape, this.#backend.halfOf(dataId), dtype as NumericDType, seenAs);
  }

  run(): void {
    try {
      if (this.#length > frame.length) throw new RangeError(`a kernel takes at most ${frame.length} arguments`);
      native.run(this.#kernel, this.#length);
    } catch (error) {
      this.abandon();
      throw error;
    }
    this.#outputs = [];
    this.#release();
  }

  #release(): void {
    for (const block of this.#widened) native.free(block);
    this.#widened = [];
  }

  /** Frees the outputs of a call that does not come to its end. */
  abandon(): void {
    for (const { dataId } of this.#outputs) this.#backend.disposeData(dataId);
    this.#outputs = [];
    this.#release();
  }
}

const Widen = kernelNumber('Widen');
const Narrow = kernelNumber('Narrow');

/** Copies `length` values between a block in 32 bits and one in 16. */
export function convert(
  direction: 'widen' | 'narrow',
  { from, to, length, half }: { from: BlockId; to: BlockId; length: number; half: HalfFormat },
): void {
  const [source, target] = direction === 'widen' ? [half, 'float32'] : ['float32', half];
  frame.set([from, codes[source] as number, 1, length, to, codes[target] as number, 1, length]);
  native.run(direction === 'widen' ? Widen : Narrow, 8);
}
