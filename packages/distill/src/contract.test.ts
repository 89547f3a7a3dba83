import { testContract, withGradients } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import * as exports from './index.js';
import { distillationDivergence, distillationLoss, gluonWeights, teacher } from './index.js';

testContract({
  exports,
  inputs: () => ({
    studentLogits: tf.randomNormal<tf.Rank.R2>([4, 5], 0, 1, 'float32', 1),
    teacherLogits: tf.randomNormal<tf.Rank.R2>([4, 5], 0, 1, 'float32', 2),
    labels: tf.tensor1d([0, 4, 2, 2], 'int32'),
    images: tf.randomNormal<tf.Rank.R4>([2, 3, 3, 5], 0, 1, 'float32', 3),
  }),
  table: {
    distillationDivergence: {
      on: ({ studentLogits, teacherLogits }) =>
        withGradients((z) => distillationDivergence({ studentLogits: z, teacherLogits }), [studentLogits]),
      // Off: there is nothing to learn from a teacher that agrees.
      off: ({ studentLogits }) => [
        distillationDivergence({ studentLogits, teacherLogits: studentLogits }),
        tf.scalar(0),
      ],
    },
    distillationLoss: {
      on: ({ studentLogits, teacherLogits, labels }) =>
        withGradients((z) => distillationLoss({ studentLogits: z, teacherLogits, labels }), [studentLogits]),
      // Off: the loss of the labels alone, which stock operations give as well.
      off: ({ studentLogits, teacherLogits, labels }) => [
        distillationLoss({ studentLogits, teacherLogits, labels, softWeight: 0 }),
        tf.tidy(() =>
          tf.neg(tf.mean(tf.sum(tf.mul(tf.cast(tf.oneHot(labels, 5), 'float32'), tf.logSoftmax(studentLogits)), 1))),
        ),
      ],
    },
    gluonWeights: { on: () => gluonWeights(0.25), off: () => [gluonWeights(1), { hardWeight: 1, softWeight: 0 }] },
    teacher: { on: ({ images }) => teacher((x) => tf.mean<tf.Tensor2D>(x, [1, 2])).logits(images) },
  },
});
