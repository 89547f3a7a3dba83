import { engine, type TensorInfo } from '@tensorflow/tfjs-core';

/** What the pure-JavaScript backend and the native one offer of their buffers. */
interface BufferBackend {
  data: { get(dataId: object): { values: Float32Array } };
}

/** What the wasm backend offers of its heap. */
interface WasmBackend {
  typedArrayFromHeap(tensor: TensorInfo): Float32Array;
}

/** The live values of a float32 tensor, where the current backend keeps them in JavaScript's reach. */
export function liveValues(tensor: TensorInfo): Float32Array | undefined {
  const { backend, backendName } = engine();
  if (backendName === 'wasm') return (backend as unknown as WasmBackend).typedArrayFromHeap(tensor);
  if (!['cpu', 'onednn'].includes(backendName)) return undefined;
  return (backend as unknown as BufferBackend).data.get(tensor.dataId).values;
}
