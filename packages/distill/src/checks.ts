import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

export function checkTemperature(who: string, temperature: number): void {
  if (temperature > 0 && temperature < Infinity) return;
  throw new RangeError(`${who}: expected temperature > 0, got ${temperature}; the paper has 20`);
}

export function checkLogits(who: string, student: Tensor2D, teacher: Tensor2D): void {
  if (student.rank !== 2) {
    throw new Error(`${who}: expected studentLogits of shape [batch, classes], got [${student.shape.join(', ')}]`);
  }
  if (teacher.shape.join() !== student.shape.join()) {
    throw new Error(
      `${who}: the teacher's logits have shape [${teacher.shape.join(', ')}], the student's [${student.shape.join(', ')}]; both need the same images and classes`,
    );
  }
}

export function checkLabels(who: string, student: Tensor2D, labels: Tensor1D | Tensor2D): void {
  const [batch, classes] = student.shape;
  const integer = labels.rank === 1 && labels.dtype === 'int32' && labels.shape[0] === batch;
  const soft = labels.rank === 2 && labels.dtype === 'float32' && labels.shape.join() === student.shape.join();
  if (!integer && !soft) {
    throw new Error(
      `${who}: expected labels of shape [${batch}] int32 or [${batch}, ${classes}] float32, got [${labels.shape.join(', ')}] ${labels.dtype}`,
    );
  }
}
