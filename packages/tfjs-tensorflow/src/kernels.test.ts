import { conv2d } from '@bag/ops';
import { describeOnBackends, expectAllClose, withGradients } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { correctKernels } from './index.js';

type Shape4D = [number, number, number, number];
type Operation = (x: tf.Tensor4D, w: tf.Tensor4D) => tf.Tensor;

const wave = (shape: Shape4D, step: number) =>
  tf.tensor4d(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * step + 0.3)),
    shape,
  );

/** What a convolution and its gradients give on a backend. */
async function on(backend: string, f: Operation, filter: Shape4D) {
  await tf.setBackend(backend);
  const [x, w] = [wave([2, 7, 6, 3], 0.7), wave(filter, 1.1)];
  const { value, gradients } = withGradients(f, [x, w]);
  const values = await Promise.all([value, ...gradients].map((one) => one.data()));
  tf.dispose([x, w, value, gradients]);
  return values;
}

describeOnBackends(
  'the kernels that are corrected',
  () => {
    test.each<[string, Shape4D, Operation]>([
      [
        'explicit padding',
        [3, 3, 3, 4],
        (x, w) =>
          conv2d(x, w, {
            padding: [
              [2, 0],
              [1, 3],
            ],
            strides: 2,
          }),
      ],
      ['padding by a number', [3, 3, 3, 4], (x, w) => tf.conv2d(x, w, 1, 2)],
      ['same, strided', [3, 3, 3, 4], (x, w) => tf.conv2d(x, w, [2, 1], 'same')],
      ['valid', [2, 3, 3, 4], (x, w) => tf.conv2d(x, w, 1, 'valid')],
      ['depthwise, strides that differ', [3, 2, 3, 1], (x, w) => tf.depthwiseConv2d(x, w, [1, 2], 'valid')],
      ['depthwise, strides that leave pixels over', [2, 2, 3, 2], (x, w) => tf.depthwiseConv2d(x, w, [3, 2], 'valid')],
      ['depthwise, the same strides', [3, 3, 3, 1], (x, w) => tf.depthwiseConv2d(x, w, 2, 'same')],
    ])('%s: as on the cpu backend, with both gradients', async (_, filter, f) => {
      const actual = await on('tensorflow', f, filter);
      const expected = await on('cpu', f, filter);
      for (const [i, values] of expected.entries()) {
        expectAllClose(actual[i] as Float32Array, values, { relative: 1e-5, absolute: 1e-5 });
      }
      await tf.setBackend('tensorflow');
    });

    test('correcting again changes nothing', () => {
      const before = tf.getKernel('Conv2DBackpropFilter', 'tensorflow').kernelFunc;
      correctKernels();
      expect(tf.getKernel('Conv2DBackpropFilter', 'tensorflow').kernelFunc).toBe(before);
    });

    test('padded depthwise strides that differ are refused in one line', () => {
      const [x, w] = [wave([1, 4, 4, 1], 0.1), wave([2, 2, 1, 1], 0.2)];
      expect(() => tf.depthwiseConv2d(x, w, [1, 2], 'same')).toThrow(
        'tensorflow: depthwise convolutions with strides 1 and 2 take no padding; pad the image first',
      );
      tf.dispose([x, w]);
    });
  },
  ['tensorflow', 'tensorflow-gpu'],
);
