import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { OnednnBackend } from './backend.js';
import type { HalfFormat } from './storage.js';

type Inputs = Record<string, TensorInfo | null | undefined>;

/** What the format in force acts on: these operands become 16-bit, and the result is. */
const products: Record<string, readonly string[]> = {
  Conv2D: ['x', 'filter'],
  FusedConv2D: ['x', 'filter'],
  DepthwiseConv2dNative: ['x', 'filter'],
  FusedDepthwiseConv2D: ['x', 'filter'],
  BagConv2D: ['x', 'filter'],
  BatchMatMul: ['a', 'b'],
  _FusedMatMul: ['a', 'b'],
};

interface Rule {
  /** The inputs that decide: where they are all stored in 16 bits, results are; all float32 inputs by default. */
  follows?: readonly string[];
  /** The results that do; all by default. */
  outputs?: readonly number[];
  /** Operands that take part in 16 bits, where the results do. */
  operands?: readonly string[];
}

/** float32 whatever comes in: reductions, losses, and what leads to updates. */
const single: Rule = { outputs: [] };

/** Those of a product from dy: the input's gradient is 16-bit where dy is, the filter's never. */
const inputGradient: Rule = { follows: ['dy'], operands: ['filter'] };
const filterGradient: Rule = { follows: ['dy'], operands: ['x'], outputs: [] };

const rules: Record<string, Rule> = {
  Sum: single,
  Mean: single,
  Prod: single,
  Softmax: single,
  LogSoftmax: single,
  Exp: single,
  Log: single,
  BagCrossEntropy: single,
  BagSgdUpdate: single,
  BagAllFinite: single,
  BagConv2DBackpropFilter: filterGradient,
  Conv2DBackpropFilter: filterGradient,
  DepthwiseConv2dNativeBackpropFilter: filterGradient,
  BagConv2DBackpropInput: inputGradient,
  Conv2DBackpropInput: inputGradient,
  DepthwiseConv2dNativeBackpropInput: inputGradient,
  BagBatchNormTraining: { follows: ['x', 'residual'], outputs: [0] },
  BagBatchNormInference: { follows: ['x', 'residual'] },
  // The gradient of a 16-bit activation is 16-bit, whatever the precision of what it is computed from.
  BagBatchNormTrainingGrad: { follows: ['x'], outputs: [0, 3] },
  MaxPoolGrad: { follows: ['input'] },
  BagMaxPoolGrad: { follows: ['x'] },
  AvgPoolGrad: { follows: ['input'] },
  BagCrossEntropyGrad: { follows: ['logits'] },
};

/**
 * The gradients of A·W, which networks multiply untransposed in the forward pass: dy·Wᵀ as any input's gradient,
 * Aᵀ·dy as any weight's.
 */
function ofProduct(attributes: NamedAttrMap | undefined): Rule | undefined {
  const { transposeA = false, transposeB = false } = attributes ?? {};
  if (transposeA === transposeB) return undefined;
  return transposeB ? { follows: ['a'], operands: ['b'] } : { follows: ['b'], operands: ['a'], outputs: [] };
}

/** How a kernel's call deals with 16 bits. */
export interface Plan {
  format: HalfFormat;
  /** Inputs that are rounded to 16 bits first. */
  operands: readonly string[];
  /** Which results are stored so; undefined for all. */
  outputs: readonly number[] | undefined;
}

/** What is to be done about 16 bits in a call; nothing, mostly. */
export function planFor(
  name: string,
  inputs: Inputs,
  attributes: NamedAttrMap | undefined,
  backend: OnednnBackend,
): Plan | undefined {
  const { ambient } = backend.precision;
  const operands = products[name];
  if (ambient !== undefined && operands !== undefined) return { format: ambient, operands, outputs: undefined };
  const rule = (name === 'BatchMatMul' ? ofProduct(attributes) : rules[name]) ?? {};
  const names = rule.follows ?? Object.keys(inputs);
  let format: HalfFormat | undefined;
  for (const key of names) {
    const tensor = inputs[key];
    if (tensor?.dtype !== 'float32') continue;
    const half = backend.halfOf(tensor.dataId);
    // Mixed inputs give fp32.
    if (half === undefined || (format !== undefined && format !== half)) return undefined;
    format = half;
  }
  return format && { format, operands: rule.operands ?? [], outputs: rule.outputs };
}
