import { cast, oneHot, type Tensor, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core';

/** Class numbers `[batch]` (int32), or probabilities `[batch, classes]` (float32), one-hot included. */
export type Labels = Tensor1D | Tensor2D;

/** Whether labels are class numbers. */
export function isInteger(labels: Labels): labels is Tensor1D {
  return labels.rank === 1;
}

/**
 * Labels as probabilities `[batch, classes]`.
 * @throws Error where class numbers come without the number of classes, probabilities with another one, or a shape or
 * dtype fits neither kind. Class numbers out of range are not looked for: that would wait for the device.
 */
export function asProbabilities(name: string, labels: Labels, classes: number | undefined): Tensor2D {
  checkLabels(name, labels);
  if (!isInteger(labels)) {
    const [, columns] = labels.shape;
    if (classes === undefined || classes === columns) return labels;
    throw new Error(
      `${name}: expected labels of shape [batch, ${classes}] for ${classes} classes, got ${columns} columns`,
    );
  }
  if (classes === undefined) {
    throw new Error(
      `${name}: expected labels of shape [batch, classes], got [${(labels as Tensor).shape.join(', ')}]; pass \`classes\` for integer labels`,
    );
  }
  return cast(oneHot(labels, classes), 'float32') as Tensor2D;
}

export function checkLabels(name: string, labels: Labels): void {
  const { rank, dtype, shape } = labels as Tensor;
  if ((rank === 1 && dtype === 'int32') || (rank === 2 && dtype === 'float32')) return;
  throw new Error(
    `${name}: expected labels of shape [batch] int32 or [batch, classes] float32, got [${shape.join(', ')}] ${dtype}`,
  );
}
