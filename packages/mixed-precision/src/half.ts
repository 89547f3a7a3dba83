import { engine, type NamedAttrMap, type TensorInfo } from '@tensorflow/tfjs-core';

/*
 * Which values are 16-bit: the same, word for word, in @bag/mixed-precision, which emulates, and in
 * @bag/tfjs-backend-onednn, which stores; neither may import the other. A test of the engine compares the two files.
 */

/** A 16-bit floating-point format. */
export type HalfFormat = 'float16' | 'bfloat16';

/** What a policy acts on. */
export type Operation = 'convolution' | 'depthwiseConvolution' | 'matMul';

/** The precision in force for products, and those that are float32 all the same. */
export interface Ambient {
  readonly format: HalfFormat | 'float32';
  readonly float32: ReadonlySet<Operation>;
}

/** What is known of tensors, by their data ids. */
export interface Precisions {
  readonly ambient: Ambient | undefined;
  /** The format of a tensor whose values are 16-bit. */
  halfOf(dataId: object): HalfFormat | undefined;
  /** The format that the last product rounded its operand to; the gradients of that product do the same. */
  takenAs(dataId: object): HalfFormat | undefined;
  take(dataId: object, format: HalfFormat | undefined): void;
}

/** How a kernel's call deals with 16 bits. */
export interface Plan {
  /** Inputs that are rounded first, and to which format. */
  operands: readonly (readonly [name: string, format: HalfFormat])[];
  /** The format of the results; undefined for float32. */
  format: HalfFormat | undefined;
  /** The results that have it; all by default. */
  outputs?: readonly number[] | undefined;
}

type Inputs = Record<string, TensorInfo | null | undefined>;

interface Product {
  operation: Operation;
  operands: readonly [string, string];
}

const convolution: Product = { operation: 'convolution', operands: ['x', 'filter'] };
const depthwise: Product = { operation: 'depthwiseConvolution', operands: ['x', 'filter'] };
const matMul: Product = { operation: 'matMul', operands: ['a', 'b'] };

/** What the precision in force acts on: operands become 16-bit, and so is the result. */
const products: Record<string, Product> = {
  Conv2D: convolution,
  FusedConv2D: convolution,
  BagConv2D: convolution,
  DepthwiseConv2dNative: depthwise,
  FusedDepthwiseConv2D: depthwise,
  BagDepthwiseConv2D: depthwise,
  BatchMatMul: matMul,
  _FusedMatMul: matMul,
};

interface Rule {
  /** The inputs that decide: where they are all 16-bit, results are; all float32 inputs by default. */
  follows?: readonly string[];
  /** The results that do; all by default. */
  outputs?: readonly number[];
  /** Operands of the forward pass, which are taken as they were there. */
  operands?: readonly string[];
}

/** float32 whatever comes in: reductions, losses, and what leads to updates. */
const single: Rule = { outputs: [] };

/** The input's gradient is 16-bit where dy is, the filter's never. */
const inputGradient: Rule = { follows: ['dy'], operands: ['filter'] };
const filterGradient: Rule = { operands: ['x'], outputs: [] };

const rules: Record<string, Rule> = {
  Sum: single,
  Mean: single,
  Prod: single,
  Softmax: single,
  LogSoftmax: single,
  Exp: single,
  Log: single,
  BagGlobalAveragePool: single,
  BagCrossEntropy: single,
  BagSgdUpdate: single,
  BagRunningStatistics: single,
  BagAllFinite: single,
  BagConv2DBackpropFilter: filterGradient,
  BagDepthwiseConv2DBackpropFilter: filterGradient,
  Conv2DBackpropFilter: filterGradient,
  DepthwiseConv2dNativeBackpropFilter: filterGradient,
  BagConv2DBackpropInput: inputGradient,
  BagDepthwiseConv2DBackpropInput: inputGradient,
  Conv2DBackpropInput: inputGradient,
  DepthwiseConv2dNativeBackpropInput: inputGradient,
  BagBatchNormTraining: { follows: ['x', 'residual'], outputs: [0] },
  BagBatchNormInference: { follows: ['x', 'residual'] },
  // The gradient of a 16-bit activation is 16-bit, whatever the precision of what it is computed from.
  BagBatchNormTrainingGrad: { follows: ['x'], outputs: [0, 3] },
  MaxPoolGrad: { follows: ['input'] },
  BagMaxPoolGrad: { follows: ['x'] },
  AvgPoolGrad: { follows: ['input'] },
  BagAveragePoolGrad: { follows: ['x'] },
  BagGlobalAveragePoolGrad: { follows: ['x'] },
  BagCrossEntropyGrad: { follows: ['logits'] },
};

/** What is to be done about 16 bits in a call; nothing, mostly. */
export function planFor(
  name: string,
  inputs: Inputs,
  attributes: NamedAttrMap | undefined,
  precisions: Precisions,
): Plan | undefined {
  const product = products[name];
  if (product === undefined) return follow(inputs, rules[name], precisions);
  if (name === 'BatchMatMul' && (attributes?.['gradientOf'] !== undefined || inBackwardPass())) {
    return gradientOfProduct(inputs, attributes, precisions);
  }
  return forward(inputs, product, precisions);
}

function forward(inputs: Inputs, { operation, operands }: Product, precisions: Precisions): Plan | undefined {
  const { ambient } = precisions;
  const format = ambient?.float32.has(operation) === true ? 'float32' : ambient?.format;
  const half = format === 'float32' ? undefined : format;
  for (const key of operands) {
    const { dtype, dataId } = inputs[key] as TensorInfo;
    if (dtype === 'float32') precisions.take(dataId, precisions.halfOf(dataId) === half ? undefined : half);
  }
  if (format === undefined) return follow(inputs, undefined, precisions);
  return half && { operands: operands.map((key) => [key, half]), format: half };
}

function follow(inputs: Inputs, rule: Rule | undefined, precisions: Precisions): Plan | undefined {
  const format = rule?.outputs?.length === 0 ? undefined : common(inputs, rule?.follows, precisions);
  const operands = rule?.operands === undefined ? [] : taken(inputs, rule.operands, precisions);
  if (format === undefined && operands.length === 0) return undefined;
  return { operands, format, outputs: rule?.outputs };
}

/** The format of all these float32 inputs. Mixed ones have none. */
function common(inputs: Inputs, names: readonly string[] = Object.keys(inputs), precisions: Precisions) {
  let format: HalfFormat | undefined;
  for (const key of names) {
    const tensor = inputs[key];
    if (tensor?.dtype !== 'float32') continue;
    const half = precisions.halfOf(tensor.dataId);
    if (half === undefined || (format !== undefined && format !== half)) return undefined;
    format = half;
  }
  return format;
}

/** Operands of the forward pass that were rounded there. */
function taken(inputs: Inputs, names: readonly string[], precisions: Precisions): Plan['operands'] {
  return names.flatMap((key) => {
    const tensor = inputs[key];
    const format = tensor == null ? undefined : precisions.takenAs(tensor.dataId);
    return format === undefined ? [] : [[key, format] as const];
  });
}

/**
 * A product of dy and one operand is the gradient of the other operand, and is stored as that is: 16-bit for an
 * activation, float32 for a master, if dy is 16-bit at all. `gradientOf` says which it is. Without, in a gradient that
 * a fused operation brings along, dy·bᵀ counts as an activation's, as in a dense layer, and all else as a master's.
 */
function gradientOfProduct(
  inputs: Inputs,
  attributes: NamedAttrMap | undefined,
  precisions: Precisions,
): Plan | undefined {
  const formatOf = (key: string) => {
    const { dataId } = inputs[key] as TensorInfo;
    return precisions.takenAs(dataId) ?? precisions.halfOf(dataId);
  };
  const { transposeA, transposeB, gradientOf } = attributes ?? {};
  const [a, b] = [formatOf('a'), formatOf('b')];
  const own = gradientOf === undefined ? undefined : precisions.halfOf(gradientOf as unknown as object);
  const target = gradientOf === undefined && transposeB === true && transposeA !== true ? a : own;
  const format = a === b && a === target ? a : undefined;
  const operands = taken(inputs, ['a', 'b'], precisions);
  return format === undefined && operands.length === 0 ? undefined : { operands, format };
}

/** Whether gradients are being computed: TensorFlow.js names its scopes so. A forward pass may run inside of that. */
function inBackwardPass(): boolean {
  const { scopeStack } = engine().state;
  for (let i = scopeStack.length - 1; i >= 0; i--) {
    const name = scopeStack[i]?.name;
    if (name === 'backward' || name === 'forward') return name === 'backward';
  }
  return false;
}

/** The operations that a policy may except. */
export const operations: readonly Operation[] = ['convolution', 'depthwiseConvolution', 'matMul'];
