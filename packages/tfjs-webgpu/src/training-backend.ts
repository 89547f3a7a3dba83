import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { env, util } from '@tensorflow/tfjs-core';
import { inBytes, WebGpuError } from './error.js';
import { Failures } from './failures.js';
import { trimPool } from './pool.js';

type DataId = Parameters<WebGPUBackend['disposeData']>[0];
type Values = Awaited<ReturnType<WebGPUBackend['read']>>;

/**
 * TensorFlow.js' WebGPU backend, made safe for training: what the device could not do is an error of the next read
 * instead of silent garbage, what exceeds a limit is refused at once, and a tensor may be disposed while it is read.
 */
export class TrainingBackend extends WebGPUBackend {
  readonly #failures: Failures;

  constructor(device: GPUDevice, info: GPUAdapterInfo) {
    super(device, info);
    // Small tensors that no program has used yet would be computed with in JavaScript, and rounded otherwise than on the
    // GPU: the same operation on the same tensor would not give the same a second time.
    env().set('WEBGPU_CPU_FORWARD', false);
    const failures = new Failures(device);
    this.#failures = failures;
    // The buffer manager reuses buffers of its own; of the device it only wants new ones.
    const createBuffer = (descriptor: GPUBufferDescriptor) => {
      refuseLarge(device.limits, descriptor);
      trimPool(this, descriptor.size);
      return failures.createBuffer(descriptor, this.bufferManager.numBytesAllocated);
    };
    Object.assign(this.bufferManager, { device: { createBuffer } });
  }

  /** @throws WebGpuError if anything failed on the device since it started. */
  override async read(dataId: DataId): Promise<Values> {
    let values: Values;
    try {
      values = await this.#download(dataId);
    } catch (error) {
      await this.#failures.check(); // the cause, where there is one, rather than what followed from it
      throw error;
    }
    await this.#failures.check();
    return values;
  }

  async #download(dataId: DataId): Promise<Values> {
    if (!this.tensorMap.has(dataId)) return super.read(dataId);
    const { values, dtype, resource } = this.tensorMap.get(dataId);
    if (values != null || dtype === 'complex64' || resource === undefined) return super.read(dataId);
    const bytes = await this.getBufferData(resource as GPUBuffer);
    const downloaded = util.convertBackendValuesAndArrayBuffer(bytes, dtype);
    // The tensor may have been disposed in the meantime.
    if (this.tensorMap.has(dataId)) this.tensorMap.get(dataId).values = downloaded;
    return downloaded;
  }

  override dispose(): void {
    super.dispose();
    this.#failures.stopListening();
  }

  /** @throws WebGpuError where the values are on the GPU, and there is no canvas to get them through. */
  override readSync(dataId: object): Values {
    const { values, dtype } = this.tensorMap.get(dataId);
    if (values == null && dtype !== 'complex64' && typeof OffscreenCanvas === 'undefined') {
      throw new WebGpuError(
        'dataSync and arraySync: WebGPU reads tensors only asynchronously here',
        'use `await tensor.data()` or `await tensor.array()`',
      );
    }
    return super.readSync(dataId);
  }
}

function refuseLarge({ maxBufferSize, maxStorageBufferBindingSize }: GPUSupportedLimits, buffer: GPUBufferDescriptor) {
  const binds = (buffer.usage & GPUBufferUsage.STORAGE) !== 0;
  const [limit, name] =
    binds && maxStorageBufferBindingSize < maxBufferSize
      ? [maxStorageBufferBindingSize, 'maxStorageBufferBindingSize']
      : [maxBufferSize, 'maxBufferSize'];
  if (buffer.size <= limit) return;
  throw new WebGpuError(
    `a tensor of ${inBytes(buffer.size)} (${buffer.size} bytes) exceeds what this GPU binds at once, ${name} = ${limit} bytes`,
    'use smaller batches or images',
  );
}
