import { engine, type NamedAttrMap, type NamedTensorMap, type Tensor } from '@tensorflow/tfjs-core';
import { liveValues } from './buffers.js';
import { type HalfFormat, roundArray } from './formats.js';
import { roundTo } from './round-to.js';
import { synchronous } from './synchronous.js';

/** What the ambient precision acts on: their operands and results are 16-bit inside `autocast`. */
const products: Record<string, readonly string[]> = {
  Conv2D: ['x', 'filter'],
  FusedConv2D: ['x', 'filter'],
  DepthwiseConv2dNative: ['x', 'filter'],
  FusedDepthwiseConv2D: ['x', 'filter'],
  BagConv2D: ['x', 'filter'],
  BatchMatMul: ['a', 'b'],
  _FusedMatMul: ['a', 'b'],
};

/** Kernels whose results are 16-bit where these inputs are; of the results, only those listed (all by default). */
const followers: Record<string, { inputs: readonly string[]; outputs?: readonly number[] }> = {
  BagBatchNormTraining: { inputs: ['x', 'residual'], outputs: [0] },
  BagBatchNormInference: { inputs: ['x', 'residual'] },
  // The gradient of a 16-bit activation is 16-bit, whatever the precision of what it is computed from.
  BagBatchNormTrainingGrad: { inputs: ['x'], outputs: [0, 3] },
  BagConv2DBackpropInput: { inputs: ['filter'] },
  Conv2DBackpropInput: { inputs: ['filter'] },
  DepthwiseConv2dNativeBackpropInput: { inputs: ['filter'] },
  MaxPoolGrad: { inputs: ['input'] },
  BagMaxPoolGrad: { inputs: ['x'] },
  AvgPoolGrad: { inputs: ['input'] },
  BagCrossEntropyGrad: { inputs: ['logits'] },
};

/** Single precision whatever comes in: reductions, losses, and the gradients of weights. */
const single = new Set([
  'Sum',
  'Mean',
  'Prod',
  'Softmax',
  'LogSoftmax',
  'Exp',
  'Log',
  'BagCrossEntropy',
  'BagSgdUpdate',
  'BagAllFinite',
  'BagConv2DBackpropFilter',
  'Conv2DBackpropFilter',
  'DepthwiseConv2dNativeBackpropFilter',
]);

/** Aᵀ·dy, the gradient of the weight in A·W: networks multiply untransposed in the forward pass. */
function isWeightGradient(name: string, attributes: NamedAttrMap | undefined): boolean {
  return name === 'BatchMatMul' && attributes?.['transposeA'] === true && attributes['transposeB'] !== true;
}

interface RunKernel {
  runKernel(name: string, inputs: NamedTensorMap, attributes?: NamedAttrMap): Tensor | Tensor[];
}

/** Tensors that would be stored in 16 bits, by the buffer that they share with their clones and views. */
const halves = new WeakSet<object>();

/** Whether a tensor counts as stored in 16 bits. */
export function isHalf({ dataId }: Tensor): boolean {
  return halves.has(dataId);
}

/**
 * Runs steps as an engine with 16-bit storage would: every kernel's result that such an engine would store in 16 bits
 * is rounded, exactly, before anyone sees it. It acts where all operations pass, the engine's `runKernel`, and only
 * while `step` runs; kernels that run inside of kernels are left alone.
 */
export class Emulation {
  readonly #format: HalfFormat;
  #autocast = false;
  #running = false;
  #depth = 0;

  constructor(format: HalfFormat) {
    this.#format = format;
  }

  step<T>(f: () => T): T {
    if (this.#running) return f();
    const target = engine() as unknown as RunKernel;
    const before = Object.getOwnPropertyDescriptor(target, 'runKernel');
    const original = target.runKernel.bind(target);
    target.runKernel = (name, inputs, attributes) => this.#run(original, name, inputs, attributes);
    this.#running = true;
    try {
      return synchronous(f());
    } finally {
      this.#running = false;
      // The class's own method comes back, or the emulation that this one runs inside of.
      if (before === undefined) delete (target as Partial<RunKernel>).runKernel;
      else Object.defineProperty(target, 'runKernel', before);
    }
  }

  autocast<T>(f: () => T): T {
    const before = this.#autocast;
    this.#autocast = true;
    try {
      return this.step(f);
    } finally {
      this.#autocast = before;
    }
  }

  #run(
    original: RunKernel['runKernel'],
    name: string,
    inputs: NamedTensorMap,
    attributes: NamedAttrMap | undefined,
  ): Tensor | Tensor[] {
    if (this.#depth > 0 || name === 'BagRoundTo') {
      const results = original(name, inputs, attributes);
      // What the engine saves for the backward pass are clones, which are copies on some backends.
      if (name === 'Identity' && isHalf(inputs['x'] as Tensor)) halves.add((results as Tensor).dataId);
      return results;
    }
    const operands = this.#autocast ? products[name] : undefined;
    const rounded = operands === undefined ? inputs : this.#roundInputs(inputs, operands);
    this.#depth++;
    let results: Tensor | Tensor[];
    try {
      results = original(name, rounded, attributes);
    } finally {
      this.#depth--;
      // A tape needs the rounded operands for its backward pass; without one nobody does.
      if (!recording()) for (const key of operands ?? []) if (rounded[key] !== inputs[key]) rounded[key]?.dispose();
    }
    const outputs = isWeightGradient(name, attributes)
      ? 'none'
      : this.#halfOutputs(name, rounded, operands !== undefined);
    if (outputs === 'none') return results;
    if (!Array.isArray(results)) return this.#store(results);
    return results.map((result, i) => (outputs === 'all' || outputs.includes(i) ? this.#store(result) : result));
  }

  /** Operands in 16 bits; the fp32 originals stay on the tape, so gradients reach the masters. */
  #roundInputs(inputs: NamedTensorMap, names: readonly string[]): NamedTensorMap {
    const result: NamedTensorMap = { ...inputs };
    for (const name of names) {
      const tensor = inputs[name];
      if (tensor === undefined || isHalf(tensor) || tensor.dtype !== 'float32') continue;
      const copy = roundTo(tensor, this.#format);
      halves.add(copy.dataId);
      result[name] = copy;
    }
    return result;
  }

  #halfOutputs(name: string, inputs: NamedTensorMap, isProduct: boolean): 'all' | 'none' | readonly number[] {
    if (isProduct) return 'all';
    if (single.has(name)) return 'none';
    const follower = followers[name];
    const deciding = follower === undefined ? Object.values(inputs) : follower.inputs.map((key) => inputs[key]);
    const floats = deciding.filter((tensor): tensor is Tensor => tensor?.dtype === 'float32');
    if (floats.length === 0 || !floats.every(isHalf)) return 'none';
    return follower?.outputs ?? 'all';
  }

  #store(result: Tensor): Tensor {
    if (result.dtype !== 'float32' || isHalf(result)) return result;
    const values = liveValues(result);
    const stored = values === undefined ? roundTo(result, this.#format) : result;
    if (values !== undefined) roundArray(values, this.#format);
    else if (!recording()) result.dispose();
    halves.add(stored.dataId);
    return stored;
  }
}

const recording = (): boolean => engine().state.gradientDepth > 0;
