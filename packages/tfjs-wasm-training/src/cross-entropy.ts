import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { floats, input, output, type WasmKernel } from './heap.js';

interface CrossEntropyAttributes {
  smoothing: number;
  spread: 'all' | 'others';
}

/** The target distribution is off + (on − off)·p, p the labels. */
function weights(classes: number, attributes: object): { on: number; off: number } {
  const { smoothing, spread } = attributes as CrossEntropyAttributes;
  const off = spread === 'all' ? smoothing / classes : smoothing / Math.max(classes - 1, 1);
  return { on: spread === 'all' ? 1 - smoothing + off : 1 - smoothing, off };
}

/** p_bk, from class numbers `[batch]` or probabilities `[batch, classes]`. */
function probability(backend: BackendWasm, labels: TensorInfo, classes: number): (b: number, k: number) => number {
  const values = backend.typedArrayFromHeap(labels);
  if (labels.shape.length === 1) {
    return (b, k) => {
      const label = values[b] as number;
      return label >= 0 && label < classes ? Number(label === k) : NaN;
    };
  }
  return (b, k) => values[b * classes + k] as number;
}

/** `BagCrossEntropy` of `@bag/ops`: [−Σ q·log softmax(z), log Σ exp(z)], each `[batch]`. */
export const crossEntropy: WasmKernel = (inputs, attributes, backend) => {
  const logits = input(inputs, 'logits');
  const [batch, classes] = logits.shape as [number, number];
  const loss = output(backend, [batch]);
  const normaliser = output(backend, [batch]);
  const { on, off } = weights(classes, attributes);
  const z = floats(backend, logits);
  const p = probability(backend, input(inputs, 'labels'), classes);
  const losses = floats(backend, loss);
  const normalisers = floats(backend, normaliser);
  for (let b = 0; b < batch; b++) {
    const row = z.subarray(b * classes, (b + 1) * classes);
    const largest = row.reduce((a, v) => Math.max(a, v), -Infinity);
    const lse = largest + Math.log(row.reduce((sum, v) => sum + Math.exp(v - largest), 0));
    let total = 0;
    for (let k = 0; k < classes; k++) {
      const q = off + (on - off) * p(b, k);
      // Not 0·∞: a class that counts nothing adds nothing.
      if (q !== 0) total -= q * ((row[k] as number) - lse);
    }
    losses[b] = total;
    normalisers[b] = lse;
  }
  return [loss, normaliser];
};

/** `BagCrossEntropyGrad` of `@bag/ops`: dz = dy·(Σq·softmax(z) − q). */
export const crossEntropyGrad: WasmKernel = (inputs, attributes, backend) => {
  const logits = input(inputs, 'logits');
  const [batch, classes] = logits.shape as [number, number];
  const result = output(backend, [batch, classes]);
  const { on, off } = weights(classes, attributes);
  const dy = floats(backend, input(inputs, 'dy'));
  const z = floats(backend, logits);
  const p = probability(backend, input(inputs, 'labels'), classes);
  const normalisers = floats(backend, input(inputs, 'logSumExp'));
  const to = floats(backend, result);
  for (let b = 0; b < batch; b++) {
    let total = 0;
    for (let k = 0; k < classes; k++) total += off + (on - off) * p(b, k);
    for (let k = 0; k < classes; k++) {
      const i = b * classes + k;
      const softmax = Math.exp((z[i] as number) - (normalisers[b] as number));
      to[i] = (dy[b] as number) * (total * softmax - off - (on - off) * p(b, k));
    }
  }
  return result;
};
