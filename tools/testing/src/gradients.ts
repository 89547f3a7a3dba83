import * as tf from '@tensorflow/tfjs';

/**
 * What `f` gives and the gradients of a weighted sum of it with respect to each of its arguments. The weights differ
 * between elements, so that no error in a gradient cancels.
 */
export function withGradients<T extends tf.Tensor, Arguments extends [tf.Tensor, ...tf.Tensor[]]>(
  f: (...values: Arguments) => T,
  values: Arguments,
): { value: T; gradients: tf.Tensor[] } {
  const value = tf.tidy(() => f(...values));
  const gradients = tf.tidy(() => {
    // Not by `tf.sin`: a GPU's is good to three digits only.
    const weights = tf.tensor(
      Float32Array.from({ length: value.size }, (_, i) => Math.sin(i + 1)),
      value.shape,
    );
    return tf.grads((...all) => tf.sum(tf.mul(f(...(all as Arguments)), weights)))(values);
  });
  return { value, gradients };
}
