import * as tf from '@tensorflow/tfjs';

interface EngineInternals {
  trackTensor(tensor: tf.Tensor, backend: unknown): void;
  removeDataId(dataId: object, backend: unknown): void;
  state: { tensorInfo: { has(dataId: object): boolean; get(dataId: object): { bytes: number } | undefined } };
}

/**
 * The most bytes of tensor data alive at once while `f` runs, beyond what was alive before. Each buffer counts once,
 * however many tensors share it, which `tf.memory().numBytes` does not do.
 */
export function peakBytes<T>(f: () => T): { peak: number; result: T } {
  const engine = tf.engine() as unknown as EngineInternals;
  // Bound: the engine's methods need their `this`, and the prototype's come back below.
  const trackTensor = engine.trackTensor.bind(engine);
  const removeDataId = engine.removeDataId.bind(engine);
  let live = 0;
  let peak = 0;
  engine.trackTensor = (tensor, backend) => {
    const known = engine.state.tensorInfo.has(tensor.dataId);
    trackTensor(tensor, backend);
    if (known) return;
    live += engine.state.tensorInfo.get(tensor.dataId)?.bytes ?? 0;
    peak = Math.max(peak, live);
  };
  engine.removeDataId = (dataId, backend) => {
    live -= engine.state.tensorInfo.get(dataId)?.bytes ?? 0;
    removeDataId(dataId, backend);
  };
  try {
    const result = f();
    return { peak, result };
  } finally {
    const own = engine as Partial<EngineInternals>;
    delete own.trackTensor;
    delete own.removeDataId;
  }
}
