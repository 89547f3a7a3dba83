import { broadcast_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { type Activation, activated, isOfLastAxis } from '../activation.js';
import type { OnednnBackend } from '../backend.js';
import { kernelNumber } from '../call.js';
import { define, runKernel } from '../define.js';
import { bfloat16Of } from '../precision.js';

interface Inputs {
  a: TensorInfo;
  b: TensorInfo;
  bias?: TensorInfo;
  preluActivationWeights?: TensorInfo;
}

interface Attributes {
  transposeA: boolean;
  transposeB: boolean;
  activation?: Activation;
  leakyreluAlpha?: number;
}

const MatMul = kernelNumber('MatMul');

/** Products over any number of batch axes, which broadcast. */
function matMul(
  { a, b, bias, preluActivationWeights }: Inputs,
  { transposeA, transposeB, activation, leakyreluAlpha = 0 }: Attributes,
  backend: OnednnBackend,
): TensorInfo {
  const [aRows, aColumns] = a.shape.slice(-2) as [number, number];
  const [bRows, bColumns] = b.shape.slice(-2) as [number, number];
  const [rows, inner] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const [innerB, columns] = transposeB ? [bColumns, bRows] : [bRows, bColumns];
  if (inner !== innerB) {
    throw new Error(
      `Error in matMul: inner shapes (${inner}) and (${innerB}) of Tensors with shapes ${a.shape.join()} and ${b.shape.join()} and transposeA=${transposeA} and transposeB=${transposeB} must match.`,
    );
  }
  const outer = broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const batch = util.sizeFromShape(outer);
  const made: TensorInfo[] = [];
  // An operand that is broadcast over some of several axes is made as large as the product.
  const operand = (tensor: TensorInfo): [TensorInfo, number[]] => {
    const own = util.sizeFromShape(tensor.shape.slice(0, -2));
    const matrix = tensor.shape.slice(-2);
    if (own === batch || own === 1) return [tensor, [own, ...matrix]];
    const rank = outer.length + 2;
    const padded = [...Array<number>(rank - tensor.shape.length).fill(1), ...tensor.shape];
    const reps = padded.map((size, i) => (i < outer.length && size === 1 ? (outer[i] as number) : 1));
    const tiled = runKernel('Tile', { x: { ...tensor, shape: padded } }, { reps }, backend);
    made.push(tiled);
    return [tiled, [batch, ...matrix]];
  };
  const multiply = (code: number) => {
    const [left, leftShape] = operand(a);
    const [right, rightShape] = operand(b);
    const call = backend.call(MatMul);
    const half = bfloat16Of(backend, left, right);
    call.operand(left, half, leftShape);
    call.operand(right, half, rightShape);
    call.optional(bias ?? undefined);
    // Activations are of float32.
    const result = code === 0 && backend.resultFormat === half ? half : undefined;
    const y = call.storedOutput([...outer, rows, columns], result, 'float32', [batch, rows, columns]);
    call.flag(transposeA);
    call.flag(transposeB);
    call.number(code);
    call.number(leakyreluAlpha);
    call.run();
    return y;
  };
  try {
    return activated(activation, preluActivationWeights, backend, multiply);
  } finally {
    for (const { dataId } of made) backend.disposeData(dataId);
  }
}

/** Empty sums, integers, and a bias that is not one number per column go to tfjs-backend-cpu. */
function takes({ a, b, bias }: Inputs, { transposeB }: Attributes): boolean {
  if (a.dtype !== 'float32' || b.dtype !== 'float32' || a.shape.includes(0) || b.shape.includes(0)) return false;
  const columns = b.shape[b.shape.length - (transposeB ? 2 : 1)];
  return bias == null || (bias.dtype === 'float32' && isOfLastAxis(bias, columns));
}

define<Inputs, Attributes>('BatchMatMul', matMul, { takes });
define<Inputs, Attributes>('_FusedMatMul', matMul, { takes });
