import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { checkEachTest } from './fixtures/onednn.js';

checkEachTest();

const kernels: Record<string, { inputs: () => tf.NamedTensorMap; attributes: object }> = {
  _FusedMatMul: {
    // An operand that is broadcast over one of two batch axes is copied for the product.
    inputs: () => ({ a: tf.ones([2, 3, 4, 5]), b: tf.ones([2, 1, 5, 6]) }),
    attributes: { transposeA: false, transposeB: false },
  },
  FusedConv2D: {
    inputs: () => ({ x: tf.ones([1, 4, 4, 2]), filter: tf.ones([3, 3, 2, 6]) }),
    attributes: { strides: 1, pad: 'valid', dilations: 1, dataFormat: 'NHWC' },
  },
};

describe.each(Object.entries(kernels))('%s', (name, { inputs, attributes }) => {
  it.each<[string, string, number[] | undefined]>([
    ['an activation that there is not', 'swish', undefined],
    ['prelu without slopes', 'prelu', undefined],
    ['prelu with slopes that do not broadcast', 'prelu', [7]],
  ])('refuses %s and leaves nothing behind', (_, activation, slopes) => {
    const given = { ...inputs(), ...(slopes && { preluActivationWeights: tf.ones(slopes) }) };
    expect(() => tf.engine().runKernel(name, given, { ...attributes, activation })).toThrow();
    tf.dispose(given);
  });
});
