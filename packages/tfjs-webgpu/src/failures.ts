import { inBytes, WebGpuError } from './error.js';

/** What is known of an allocation that failed. */
interface Allocation {
  /** Bytes that were asked for. */
  size: number;
  /** Bytes that the engine holds besides. */
  held: number;
}

/**
 * What went wrong on a device. WebGPU tells of errors after the call that caused them, and what the call should have
 * written is then garbage: the first failure stays, and every read asks for it.
 */
export class Failures {
  #first: WebGpuError | undefined;
  /** Told of later than what follows from it, the use of a buffer that is none. */
  #outOfMemory: WebGpuError | undefined;
  readonly #pending = new Set<Promise<void>>();

  readonly #device: GPUDevice;
  readonly #listener = (event: GPUUncapturedErrorEvent) => {
    event.preventDefault(); // or Dawn prints it as well
    this.#fail(describeError(event.error));
  };

  constructor(device: GPUDevice) {
    this.#device = device;
    device.addEventListener('uncapturederror', this.#listener);
    void device.lost.then(({ reason, message }) => {
      this.#fail(
        reason === 'destroyed'
          ? new WebGpuError(
              'the WebGPU engine has been released, and its tensors with it',
              'read tensors before the release, or start the engine anew',
            )
          : new WebGpuError(
              `the GPU was lost (${firstLine(message)})`,
              'start the engine anew; if it recurs, use smaller batches or a newer driver: drivers reset what hangs',
            ),
      );
    });
  }

  /** Creates a buffer, and remembers its size for the case that the memory does not suffice. */
  createBuffer(descriptor: GPUBufferDescriptor, held: number): GPUBuffer {
    const device = this.#device;
    const allocation = { size: descriptor.size, held };
    device.pushErrorScope('out-of-memory');
    try {
      return device.createBuffer(descriptor);
    } catch (error) {
      // A buffer that is mapped at once needs the memory at once.
      if (!(error instanceof RangeError)) throw error;
      throw (this.#outOfMemory ??= outOfMemory(allocation, error.message));
    } finally {
      const scope = device.popErrorScope().then(
        (error) => {
          if (error !== null) this.#outOfMemory ??= outOfMemory(allocation, error.message);
        },
        () => undefined, // the device is lost, which is told by itself
      );
      this.#pending.add(scope);
      void scope.finally(() => this.#pending.delete(scope));
    }
  }

  /** Resolves once everything that was asked of the device so far is known to have worked. @throws WebGpuError */
  async check(): Promise<void> {
    await Promise.all(this.#pending);
    const failure = this.#outOfMemory ?? this.#first;
    if (failure !== undefined) throw failure;
  }

  stopListening(): void {
    this.#device.removeEventListener('uncapturederror', this.#listener);
  }

  #fail(error: WebGpuError): void {
    this.#first ??= error;
  }
}

const startAnew = 'release the engine and start it anew, as results since then are garbage';

function outOfMemory({ size, held }: Allocation, message: string): WebGpuError {
  return new WebGpuError(
    `out of GPU memory: no room for ${inBytes(size)} beside the ${inBytes(held)} in use (${firstLine(message)})`,
    `use smaller batches or images; ${startAnew}`,
  );
}

function describeError(error: GPUError): WebGpuError {
  if (error.constructor.name === 'GPUOutOfMemoryError') {
    return new WebGpuError(`out of GPU memory (${firstLine(error.message)})`, `use smaller batches; ${startAnew}`);
  }
  return new WebGpuError(`WebGPU refused an operation (${firstLine(error.message)})`, startAnew);
}

const firstLine = (message: string) => message.trim().split('\n')[0] ?? '';
