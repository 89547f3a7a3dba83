import { logSoftmax, mean, mul, type Scalar, softmax, sub, sum, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { checkLogits, checkTemperature } from './checks.js';
import type { DistillationLossOptions } from './distillation-loss.js';
import { stopGradient } from './stop-gradient.js';

export type DistillationDivergenceOptions = Pick<
  DistillationLossOptions,
  'studentLogits' | 'teacherLogits' | 'temperature'
>;

/**
 * The divergence of the student from the teacher: T²·KL(softmax(r/T) ‖ softmax(z/T)), mean over the batch, with r, z and T
 * as in `distillationLoss`. It is the soft term of that loss less T²·H(softmax(r/T)), which no student changes: the
 * gradient is the same, and it is 0 where the student agrees. The term itself never falls below that entropy, at T = 20
 * and ten classes about 921, so it tells little when it is shown.
 *
 * @param options `studentLogits` and `teacherLogits` `[batch, classes]`, float32, before the softmax; `temperature` > 0.
 * @returns A scalar ≥ 0 but for rounding, owned by the caller; differentiable in `studentLogits` only.
 * @throws Error where the shapes differ; RangeError for a temperature that is not positive.
 * Source: Hinton et al. 2015, section 2.
 * @example
 * const loss = tf.add(labelsLoss, distillationDivergence({ studentLogits, teacherLogits, temperature: 20 }));
 */
export function distillationDivergence({
  studentLogits,
  teacherLogits,
  temperature = 20,
}: DistillationDivergenceOptions): Scalar {
  checkLogits('distillationDivergence', studentLogits, teacherLogits);
  checkTemperature('distillationDivergence', temperature);
  return tidy(() => {
    const softened = (logits: Tensor) => mul(logits, 1 / temperature);
    const r = softened(stopGradient(teacherLogits));
    const difference = sub(logSoftmax(r), logSoftmax(softened(studentLogits)));
    return mul<Scalar>(mean(sum(mul(softmax(r), difference), 1)), temperature * temperature);
  });
}
