import {
  add,
  cast,
  clipByValue,
  equal,
  exp,
  expandDims,
  gather,
  greaterEqual,
  less,
  logicalAnd,
  logSumExp,
  mul,
  type NamedTensorMap,
  range,
  type Rank,
  reshape,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensorScatterUpdate,
  tidy,
  where,
} from '@tensorflow/tfjs-core';
import { mayRelease, registerGradientOnce, runKernel } from './kernel.js';

export interface CrossEntropyOptions {
  /** z, `[batch, classes]`, float32: before the softmax. */
  logits: Tensor2D;
  /** Class numbers `[batch]` (int32; the loss of one outside [0, classes) is NaN) or probabilities `[batch, classes]` (float32). */
  labels: Tensor1D | Tensor2D;
  /** ε of label smoothing, 0 ≤ ε < 1; 0 is off. */
  smoothing?: number;
  /** `'all'`: ε/K on every class; `'others'`: ε/(K−1) on the classes that are not the label (the paper's form). */
  spread?: 'all' | 'others';
}

/** The attributes of the `BagCrossEntropy` kernels. */
export interface CrossEntropyAttributes {
  smoothing: number;
  spread: 'all' | 'others';
}

/**
 * Cross-entropy with softmax and label smoothing in one operation: ℓ_b = −Σ_k q_bk log softmax(z_b)_k, with
 * q = (1 − ε)·p + ε/K (`spread: 'all'`) or q = (1 − ε)·p + ε·(1 − p)/(K − 1) (`'others'`); p the labels, ε `smoothing`,
 * K the number of classes. For integer labels no one-hot is ever built; stable for logits of any size.
 *
 * @returns The loss of each example, `[batch]`, owned by the caller. Differentiable in the logits, not in the labels.
 * @throws Error where shapes or dtypes do not fit; RangeError for a smoothing outside [0, 1), another spread, or
 * `'others'` with a single class.
 * Source: Szegedy et al. 2016, section 7; He et al. 2018, section 5.2.
 * @example
 * const loss = crossEntropy({ logits, labels: tf.tensor1d([3, 1], 'int32'), smoothing: 0.1 }).mean();
 */
export function crossEntropy({ logits, labels, smoothing = 0, spread = 'all' }: CrossEntropyOptions): Tensor1D {
  checkLabels(logits, labels);
  if (!(smoothing >= 0 && smoothing < 1)) {
    throw new RangeError(`crossEntropy: expected smoothing in [0, 1), got ${smoothing}`);
  }
  if (!['all', 'others'].includes(spread)) {
    throw new RangeError(`crossEntropy: expected spread 'all' or 'others', got ${JSON.stringify(spread)}`);
  }
  if (spread === 'others' && smoothing > 0 && logits.shape[1] < 2) {
    throw new RangeError("crossEntropy: spread 'others' needs two classes; take 'all'");
  }
  const attributes: CrossEntropyAttributes = { smoothing, spread };
  return tidy(() => {
    const outputs = runKernel('BagCrossEntropy', { logits, labels }, attributes, composeForward);
    return (outputs as [Tensor1D, Tensor1D])[0];
  });
}

registerGradientOnce({
  kernelName: 'BagCrossEntropy',
  inputsToSave: ['logits', 'labels'],
  outputsToSave: [false, true],
  gradFunc: (dys, saved, attrs) => {
    const [logits, labels, logSumExp] = saved as [Tensor2D, Tensor, Tensor1D];
    const [dy] = dys as [Tensor1D];
    const release = mayRelease(dy);
    return {
      logits: () => {
        const inputs = { dy, logits, labels, logSumExp };
        const dLogits = runKernel('BagCrossEntropyGrad', inputs, attrs, composeBackward) as Tensor;
        if (release) for (const tensor of [...(dys as Tensor[]), logits, logSumExp]) tensor.dispose();
        return dLogits;
      },
      labels: () => {
        throw new Error('crossEntropy: the labels have no gradient; take the gradient of the logits only');
      },
    };
  },
});

/** The target distribution is off + (on − off)·p. */
function weights(classes: number, { smoothing, spread }: CrossEntropyAttributes): { on: number; off: number } {
  const off = spread === 'all' ? smoothing / classes : smoothing / Math.max(classes - 1, 1);
  return { on: spread === 'all' ? 1 - smoothing + off : 1 - smoothing, off };
}

/** With Σq = 1: ℓ = lse − Σ q·z = lse − off·Σz − (on − off)·Σ p·z. */
function composeForward({ logits, labels }: NamedTensorMap, attrs: unknown): Tensor[] {
  const z = logits as Tensor2D;
  const { on, off } = weights(z.shape[1], attrs as CrossEntropyAttributes);
  const normaliser = logSumExp(z, 1); // [B]
  // Differences to the normaliser keep logits of 1e4 exact.
  const logProbabilities = sub<Tensor2D>(z, expandDims(normaliser, 1));
  const hit =
    labels?.rank === 1
      ? atLabels(logProbabilities, labels as Tensor1D)
      : sum(zeroTimesInfinityIsZero(labels as Tensor, logProbabilities), 1);
  const loss = mul(hit, off - on);
  return [off === 0 ? loss : sub(loss, mul(sum(logProbabilities, 1), off)), normaliser];
}

/** dz = dy · (Σq · softmax(z) − q); Σq = 1 but for soft labels that do not add up to 1. */
function composeBackward({ dy, logits, labels, logSumExp: normaliser }: NamedTensorMap, attrs: unknown): Tensor {
  const z = logits as Tensor2D;
  const [batch, classes] = z.shape;
  const { on, off } = weights(classes, attrs as CrossEntropyAttributes);
  const softmax = exp(sub(z, expandDims(normaliser as Tensor, 1)));
  let difference: Tensor;
  if (labels?.rank === 1) {
    const rest = sub(softmax, off);
    const indices = flatIndices(labels as Tensor1D, classes);
    const flat = reshape(rest, [-1]);
    const hit = sub(atLabels(rest as Tensor2D, labels as Tensor1D), on - off);
    difference = reshape(tensorScatterUpdate(flat, expandDims(indices, 1), hit), [batch, classes]);
  } else {
    const q = add(mul(labels as Tensor, on - off), off);
    difference = sub(mul(softmax, sum(q, 1, true)), q);
  }
  return mul(difference, expandDims(dy as Tensor, 1));
}

/** Of each row the value at its label; NaN where the label is no class. */
function atLabels(values: Tensor2D, labels: Tensor1D): Tensor1D {
  const [, classes] = values.shape;
  const isClass = logicalAnd(greaterEqual(labels, 0), less(labels, classes));
  const hits = gather(reshape<Rank.R1>(values, [-1]), flatIndices(labels, classes));
  return where<Tensor1D>(isClass, hits, NaN);
}

/** Places in the flattened rows; a label that is no class takes the nearest one's. */
function flatIndices(labels: Tensor1D, classes: number): Tensor1D {
  // In float32: wasm's kernel clips no integers.
  const inside = cast(clipByValue(cast(labels, 'float32'), 0, classes - 1), 'int32');
  return add(inside, range(0, labels.shape[0] * classes, classes, 'int32'));
}

/** p·x, with 0·(−∞) = 0: a class of probability 0 costs nothing, however impossible it is. */
function zeroTimesInfinityIsZero(p: Tensor, x: Tensor): Tensor {
  return where(equal(p, 0), 0, mul(p, x));
}

function checkLabels(logits: Tensor2D, labels: Tensor1D | Tensor2D): void {
  const [batch, classes] = logits.shape;
  const shape = `[${labels.shape.join(', ')}] ${labels.dtype}`;
  if (logits.rank !== 2) {
    throw new Error(`crossEntropy: expected logits of shape [batch, classes], got [${logits.shape.join(', ')}]`);
  }
  const integer = labels.rank === 1 && labels.dtype === 'int32' && labels.shape[0] === batch;
  const soft = labels.rank === 2 && labels.dtype === 'float32' && labels.shape.join() === logits.shape.join();
  if (!integer && !soft) {
    throw new Error(
      `crossEntropy: expected labels of shape [${batch}] int32 or [${batch}, ${classes}] float32, got ${shape}`,
    );
  }
}
