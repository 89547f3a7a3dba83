import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import type { BackendValues, DataId, DataStorage, DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { util } from '@tensorflow/tfjs-core';
import { Call, convert } from './call.js';
import type { Ambient, HalfFormat, Precisions } from './half.js';
import { native, type NativeMemory } from './native.js';
import { Precision } from './precision.js';
import { isNative, isNumeric, numericArray, type NumericDType, Storage } from './storage.js';

const bytesOf = { float32: 4, int32: 4, bool: 1 } as const;

/**
 * The backend `onednn`. It keeps tensors in native memory and is also a cpu backend, so that the kernels of
 * tfjs-backend-cpu can serve where there is no native one: they see native tensors as typed arrays, and what they give
 * back is taken over or, where it aliases an input, copied.
 */
export class OnednnBackend extends MathBackendCPU implements Precisions {
  declare data: DataStorage<Storage>;
  readonly #owner = native.newOwner();
  readonly #call = new Call(this);
  #disposed = false;
  #copies = 0;
  /** By this `@bag/mixed-precision` finds an engine that stores 16 bits. */
  readonly precision = new Precision();
  /** The format in which the kernel that runs may store its first result; one in 32 bits is narrowed after it. */
  resultFormat: HalfFormat | undefined;
  /** How often each kernel was left to tfjs-backend-cpu. */
  readonly forwarded = new Map<string, number>();

  override write(values: BackendValues, _shape: number[], dtype: DataType): DataId {
    const dataId = {};
    this.move(dataId, values, _shape, dtype, 1);
    return dataId;
  }

  override move(dataId: DataId, values: BackendValues, _shape: number[], dtype: DataType, refCount: number): void {
    if (!isNumeric(dtype)) {
      this.data.set(dataId, Storage.ofValues(dtype, values, refCount));
      return;
    }
    const array = numericArray(dtype, values as unknown as ArrayLike<number>);
    const block = native.allocate(array.byteLength, this.#owner);
    native.write(block, array);
    const storage = Storage.ofBlock(dtype, block, array.length);
    storage.refCount = refCount;
    this.data.set(dataId, storage);
  }

  /** What a kernel of tfjs-backend-cpu returns stays in JavaScript until a native kernel asks for it. */
  override makeTensorInfo(shape: number[], dtype: DataType, values?: BackendValues | string[]): TensorInfo {
    const dataId = {};
    let own = values as BackendValues | undefined;
    if (dtype === 'string' && own !== undefined && typeof own[0] === 'string') {
      own = (values as string[]).map((text) => util.encodeString(text));
    }
    if (own !== undefined && isNative(own)) own = (own as Float32Array).slice();
    this.data.set(dataId, Storage.ofValues(dtype, own, 1));
    return { dataId, shape, dtype };
  }

  /** The cast of tfjs-backend-cpu renames the type where that loses nothing; here the values change with it. */
  adopt(tensor: TensorInfo): TensorInfo {
    const { dataId, shape, dtype } = tensor;
    const { values, dtype: stored } = this.data.get(dataId);
    if (dtype === stored || !isNumeric(dtype)) return tensor;
    const converted = this.makeTensorInfo(shape, dtype, numericArray(dtype, values as ArrayLike<number>));
    this.disposeData(dataId);
    return converted;
  }

  override readSync(dataId: DataId): BackendValues {
    const storage = this.data.get(dataId);
    return storage.dtype === 'complex64' ? super.readSync(dataId) : storage.copy();
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- an interface of promises; everything is there already
  override async read(dataId: DataId): Promise<BackendValues> {
    return this.readSync(dataId);
  }

  override disposeData(dataId: DataId, force = false): boolean {
    if (!this.data.has(dataId)) return true;
    const storage = this.data.get(dataId);
    storage.refCount--;
    if (!force && storage.refCount > 0) return false;
    const parts = storage.complexTensorInfos;
    if (parts !== undefined) {
      this.disposeData(parts.real.dataId, true);
      this.disposeData(parts.imag.dataId, true);
    }
    this.#dropCopy(storage);
    // The backend's own end has freed the blocks of the tensors that were left.
    if (!this.#disposed) storage.dispose();
    this.data.delete(dataId);
    return true;
  }

  /** Starts a call of a native kernel; see `Call`. */
  call(kernel: number): Call {
    return this.#call.begin(kernel);
  }

  /** After a kernel threw: what its call has made so far goes. */
  abandonCall(): void {
    this.#call.abandon();
  }

  /** A tensor whose memory is not written yet. */
  uninitialised(shape: number[], dtype: NumericDType = 'float32', half?: HalfFormat): TensorInfo {
    const length = util.sizeFromShape(shape);
    const dataId = {};
    const bytes = half === undefined ? bytesOf[dtype] : 2;
    this.data.set(dataId, Storage.ofBlock(dtype, native.allocate(length * bytes, this.#owner), length, half));
    return { dataId, shape, dtype };
  }

  /** Another name for the same values. */
  alias({ dataId }: TensorInfo, shape: number[], dtype: DataType): TensorInfo {
    this.incRef(dataId);
    return { dataId, shape, dtype };
  }

  /** Whether there is anything in 16 bits, or a format in force: else no call needs to look. */
  get mayHold16Bits(): boolean {
    return Storage.halves > 0 || this.precision.ambient !== undefined;
  }

  get ambient(): Ambient | undefined {
    return this.precision.ambient;
  }

  /** The format of a tensor that is stored in 16 bits. */
  halfOf(dataId: DataId): HalfFormat | undefined {
    return this.data.get(dataId).half;
  }

  /** The format that the last product rounded a float32 tensor to. */
  takenAs(dataId: DataId): HalfFormat | undefined {
    return this.data.get(dataId).takenAs;
  }

  take(dataId: DataId, format: HalfFormat | undefined): void {
    this.data.get(dataId).takenAs = format;
  }

  /** A new block, of the caller's, with a 16-bit tensor's values in 32 bits. */
  widen(dataId: DataId): number {
    const { half, length } = this.data.get(dataId);
    if (half === undefined) throw new Error('only what is stored in 16 bits can be widened');
    const block = native.allocate(length * 4, this.#owner);
    convert('widen', { from: this.blockOf(dataId), to: block, length, half });
    return block;
  }

  /** Stores a float32 tensor in 16 bits from now on, each value rounded to the nearest. */
  narrow(dataId: DataId, half: HalfFormat): void {
    const from = this.blockOf(dataId);
    const storage = this.data.get(dataId);
    if (storage.half === half) return;
    if (storage.half !== undefined) throw new Error(`a tensor is stored as ${storage.half}, not to be ${half}`);
    const { length } = storage;
    const block = native.allocate(length * 2, this.#owner);
    convert('narrow', { from, to: block, length, half });
    storage.become(half, block);
  }

  /** A float32 tensor in 16 bits, each value rounded to the nearest: another one, of the caller's. */
  asHalf(x: TensorInfo, half: HalfFormat): TensorInfo {
    const stored = this.halfOf(x.dataId);
    if (stored === half) return this.alias(x, x.shape, x.dtype);
    const wide = stored === undefined ? undefined : this.widen(x.dataId);
    const from = wide ?? this.blockOf(x.dataId);
    const { length } = this.data.get(x.dataId);
    const to = native.allocate(length * 2, this.#owner);
    convert('narrow', { from, to, length, half });
    if (wide !== undefined) native.free(wide);
    const dataId = {};
    this.data.set(dataId, Storage.ofBlock('float32', to, length, half));
    return { dataId, shape: x.shape, dtype: 'float32' };
  }

  /** The same of a weight: made at its first use, unless its update has, and kept as long as the weight; a reference to it is the caller's. */
  weightAsHalf(x: TensorInfo, half: HalfFormat): TensorInfo {
    const storage = this.data.get(x.dataId);
    if (storage.half !== undefined) return this.asHalf(x, half);
    if (storage.rounded === undefined || this.halfOf(storage.rounded) !== half) {
      this.#dropCopy(storage);
      this.keepHalf(x.dataId, this.asHalf(x, half).dataId);
    }
    storage.roundedIsUsed = true;
    return this.alias({ ...x, dataId: storage.rounded as DataId }, x.shape, x.dtype);
  }

  /** The format in which a weight is used: what updates it makes the next one's copy along with it. */
  usedHalfOf(weight: DataId): HalfFormat | undefined {
    const { rounded, roundedIsUsed } = this.data.get(weight);
    return rounded !== undefined && roundedIsUsed ? this.halfOf(rounded) : undefined;
  }

  /** Hands a weight its copy in 16 bits, which it owns from now on. */
  keepHalf(weight: DataId, copy: DataId): void {
    this.data.get(weight).rounded = copy;
    this.#copies++;
  }

  #dropCopy(storage: Storage): void {
    if (storage.rounded === undefined) return;
    this.disposeData(storage.rounded);
    storage.rounded = undefined;
    this.#copies--;
  }

  /** Without the kept copies, which nobody made by a call. */
  override numDataIds(): number {
    return this.data.numDataIds() - this.#copies;
  }

  /** The native block of a tensor. */
  blockOf(dataId: DataId): number {
    return this.data.get(dataId).block(this.#owner);
  }

  /** Native memory of the whole process, beside what the engine counts. */
  override memory(): { unreliable: boolean; reasons: string[] } & { native: NativeMemory } {
    return { unreliable: false, reasons: [], native: native.memory() };
  }

  override dispose(): void {
    this.#disposed = true;
    native.freeOwned(this.#owner);
  }
}
