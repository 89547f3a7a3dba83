import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import type { BackendValues, DataId, DataStorage, DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { util } from '@tensorflow/tfjs-core';
import { Call } from './call.js';
import { native, type NativeMemory } from './native.js';
import { isNative, isNumeric, numericArray, type NumericDType, Storage } from './storage.js';

const bytesOf = { float32: 4, int32: 4, bool: 1 } as const;

/**
 * The backend `onednn`. It keeps tensors in native memory and is also a cpu backend, so that the kernels of
 * tfjs-backend-cpu can serve where there is no native one: they see native tensors as typed arrays, and what they give
 * back is taken over or, where it aliases an input, copied.
 */
export class OnednnBackend extends MathBackendCPU {
  declare data: DataStorage<Storage>;
  readonly #owner = native.newOwner();
  readonly #call = new Call(this);
  #disposed = false;
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
  uninitialised(shape: number[], dtype: NumericDType = 'float32'): TensorInfo {
    const length = util.sizeFromShape(shape);
    const dataId = {};
    this.data.set(dataId, Storage.ofBlock(dtype, native.allocate(length * bytesOf[dtype], this.#owner), length));
    return { dataId, shape, dtype };
  }

  /** Another name for the same values. */
  alias({ dataId }: TensorInfo, shape: number[], dtype: DataType): TensorInfo {
    this.incRef(dataId);
    return { dataId, shape, dtype };
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
