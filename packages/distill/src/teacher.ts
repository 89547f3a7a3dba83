import { type Tensor2D, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import { stopGradient } from './stop-gradient.js';

/** Anything that turns images into logits in inference mode. */
export type TeacherModel =
  ((images: Tensor4D) => Tensor2D) | { apply(images: Tensor4D, options: { training: false }): Tensor2D };

/** A trained network that others learn from. */
export interface Teacher {
  /**
   * Logits in inference mode.
   * @param images `[batch, height, width, channels]`, as the student sees them, mixed if they are mixed.
   * @returns `[batch, classes]`, a constant without gradient, owned by the caller.
   */
  logits(images: Tensor4D): Tensor2D;
}

/**
 * Makes a teacher of a function, or of a network with `apply`. Call it outside of the function that is differentiated:
 * then nothing of the teacher's forward pass is kept for a backward pass that it does not have.
 *
 * @example
 * const { logits } = teacher(resnet152d);
 * const teacherLogits = logits(images);
 */
export function teacher(model: TeacherModel): Teacher {
  const forward = typeof model === 'function' ? model : (images: Tensor4D) => model.apply(images, { training: false });
  return { logits: (images) => tidy(() => stopGradient(forward(images))) };
}
