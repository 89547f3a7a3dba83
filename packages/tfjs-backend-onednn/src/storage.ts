import type { BackendValues, DataId, DataType, TensorInfo } from '@tensorflow/tfjs-core';
import type { HalfFormat } from './half.js';
import { type BlockId, native } from './native.js';

export type NumericDType = 'float32' | 'int32' | 'bool';
export type NumericArray = Float32Array | Int32Array | Uint8Array;

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

export function isNumeric(dtype: DataType): dtype is NumericDType {
  return dtype in arrays;
}

/** An array of zeros of a dtype's kind. */
export function arrayOf(dtype: NumericDType, length: number): NumericArray {
  return new arrays[dtype](length);
}

/** The buffers through which JavaScript sees native memory. */
const nativeBuffers = new WeakSet<ArrayBufferLike>();

/** Whether an array lies over native memory, which another tensor may get any time. */
export function isNative(values: BackendValues): boolean {
  return ArrayBuffer.isView(values) && nativeBuffers.has(values.buffer);
}

/**
 * The values of one data id: in a native block, or in JavaScript (strings, results of kernels that ran there), from
 * where they move into a block when a native kernel first asks for them. The fields are those that the kernels of
 * tfjs-backend-cpu know.
 */
export class Storage {
  /** How many are stored in 16 bits, or have been rounded to them by a product: without any, no call needs to look. */
  static halves = 0;
  readonly dtype: DataType;
  refCount: number;
  /** A copy in 16 bits that dies with it. */
  rounded: DataId | undefined;
  /** Whether a product has taken it. */
  roundedIsUsed = false;
  declare complexTensorInfos?: { real: TensorInfo; imag: TensorInfo };
  #values: BackendValues | undefined;
  #block: BlockId | undefined;
  #length = 0;
  #half: HalfFormat | undefined;
  #takenAs: HalfFormat | undefined;

  private constructor(dtype: DataType, refCount: number) {
    this.dtype = dtype;
    this.refCount = refCount;
  }

  /** Values that stay in JavaScript for now; none for a complex tensor. */
  static ofValues(dtype: DataType, values: BackendValues | undefined, refCount: number): Storage {
    const storage = new Storage(dtype, refCount);
    storage.#values = values;
    return storage;
  }

  static ofBlock(dtype: NumericDType, block: BlockId, length: number, half?: HalfFormat): Storage {
    const storage = new Storage(dtype, 1);
    storage.#block = block;
    storage.#length = length;
    storage.#half = half;
    if (half !== undefined) Storage.halves++;
    return storage;
  }

  /** The format of values that are stored in 16 bits. */
  get half(): HalfFormat | undefined {
    return this.#half;
  }

  /** The format that the last product rounded a float32 operand to. */
  get takenAs(): HalfFormat | undefined {
    return this.#takenAs;
  }

  set takenAs(format: HalfFormat | undefined) {
    Storage.halves += Number(format !== undefined) - Number(this.#takenAs !== undefined);
    this.#takenAs = format;
  }

  get length(): number {
    return this.#length;
  }

  /** Takes another block for the one there is: the same values, stored in 16 bits. */
  become(half: HalfFormat, block: BlockId): void {
    if (this.#block !== undefined) native.free(this.#block);
    if (this.#half === undefined) Storage.halves++;
    this.#block = block;
    this.#half = half;
  }

  /**
   * The values in place: not to be kept, nor written to; those of 16 bits are a copy. A complex tensor has none of its
   * own.
   */
  get values(): BackendValues {
    if (this.#block === undefined) return this.#values as BackendValues;
    if (this.#half !== undefined) return this.copy();
    if (this.#length === 0) return arrayOf(this.dtype as NumericDType, 0);
    const buffer = native.view(this.#block);
    nativeBuffers.add(buffer);
    return new arrays[this.dtype as NumericDType](buffer, 0, this.#length);
  }

  /** A copy of the values. */
  copy(): BackendValues {
    if (this.#block !== undefined && this.#half !== undefined) {
      const stored = new Uint16Array(this.#length);
      native.read(this.#block, stored);
      return widened(stored, this.#half);
    }
    if (this.#block !== undefined) {
      const result = arrayOf(this.dtype as NumericDType, this.#length);
      native.read(this.#block, result);
      return result;
    }
    if (isNumeric(this.dtype)) return new arrays[this.dtype](this.#values as ArrayLike<number>);
    return (this.#values as Uint8Array[] | undefined)?.slice() ?? [];
  }

  /** The native block, to which the values move first where they are not there yet. */
  block(owner: number): BlockId {
    if (this.#block !== undefined) return this.#block;
    const values = numericArray(this.dtype as NumericDType, this.#values as ArrayLike<number>);
    this.#block = native.allocate(values.byteLength, owner);
    this.#length = values.length;
    native.write(this.#block, values);
    this.#values = undefined;
    return this.#block;
  }

  dispose(): void {
    if (this.#half !== undefined) Storage.halves--;
    this.#half = undefined;
    this.takenAs = undefined;
    if (this.#block !== undefined) native.free(this.#block);
    this.#block = undefined;
    this.#values = undefined;
  }
}

/** The values of 16-bit numbers. */
function widened(stored: Uint16Array, half: HalfFormat): Float32Array {
  const bits = new Uint32Array(stored.length);
  const values = new Float32Array(bits.buffer);
  if (half === 'bfloat16') {
    for (let i = 0; i < stored.length; i++) bits[i] = (stored[i] as number) << 16;
    return values;
  }
  for (let i = 0; i < stored.length; i++) {
    const word = stored[i] as number;
    const magnitude = word & 0x7fff;
    if (magnitude < 0x7c00) {
      // A scaling by 2¹¹² moves the exponent's zero and makes denormal numbers normal.
      bits[i] = magnitude << 13;
      values[i] = (values[i] as number) * 2 ** 112;
      bits[i] = (bits[i] as number) | ((word & 0x8000) << 16);
    } else {
      bits[i] = ((word & 0x8000) << 16) | 0x7f800000 | ((magnitude & 0x3ff) << 13);
    }
  }
  return values;
}

/** Values as the array that a dtype has natively. */
export function numericArray(dtype: NumericDType, values: ArrayLike<number>): NumericArray {
  return values instanceof arrays[dtype] ? values : new arrays[dtype](values);
}
