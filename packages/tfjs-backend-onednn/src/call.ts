import type { DataId, TensorInfo } from '@tensorflow/tfjs-core';
import { type BlockId, native } from './native.js';
import type { NumericDType } from './storage.js';

const codes: Record<string, number> = { float32: 0, int32: 1, bool: 2 };
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
  uninitialised(shape: number[], dtype: NumericDType): TensorInfo;
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

  constructor(backend: Tensors) {
    this.#backend = backend;
  }

  begin(kernel: number): this {
    this.#kernel = kernel;
    this.#length = 0;
    this.#outputs = [];
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

  /** A tensor, under another shape of the same size if one is given. */
  tensor({ dataId, dtype, shape: own }: TensorInfo, shape: readonly number[] = own): void {
    const code = codes[dtype];
    if (code === undefined) throw new TypeError(`a native kernel takes no ${dtype} tensor`);
    this.number(this.#backend.blockOf(dataId));
    this.number(code);
    this.numbers(shape);
  }

  /** A tensor that need not be there. */
  optional(tensor: TensorInfo | undefined): void {
    this.flag(tensor !== undefined);
    if (tensor !== undefined) this.tensor(tensor);
  }

  absent(): void {
    this.flag(false);
  }

  /** A new tensor for the kernel to fill; `abandon` frees it if the call fails. The kernel may see it under another shape. */
  output(shape: number[], dtype: NumericDType = 'float32', seenAs: readonly number[] = shape): TensorInfo {
    const tensor = this.#backend.uninitialised(shape, dtype);
    this.#outputs.push(tensor);
    this.tensor(tensor, seenAs);
    return tensor;
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
  }

  /** Frees the outputs of a call that does not come to its end. */
  abandon(): void {
    for (const { dataId } of this.#outputs) this.#backend.disposeData(dataId);
    this.#outputs = [];
  }
}
