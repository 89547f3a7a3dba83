import { expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { valueAndGradients } from './gradients.js';

test('parameters that the loss does not depend on are named, some or all of them, and nothing is left behind', async () => {
  await tf.setBackend('cpu');
  const [used, idle] = ['used', 'idle'].map((name) => ({ name, variable: tf.variable(tf.scalar(2)) })) as [
    { name: string; variable: tf.Variable<tf.Rank.R0> },
    { name: string; variable: tf.Variable<tf.Rank.R0> },
  ];
  await expectNoLeak(async () => {
    const square = () => tf.square<tf.Scalar>(used.variable);
    expect(() => valueAndGradients(square, [used, idle])).toThrow('the loss does not depend on idle;');
    expect(() => valueAndGradients(square, [idle])).toThrow('the loss does not depend on idle;');
    const { value, gradients } = valueAndGradients(square, [used]);
    expect([(await value.data())[0], (await gradients['used']?.data())?.[0]]).toEqual([4, 4]);
    tf.dispose([value, gradients]);
  });
  tf.dispose([used.variable, idle.variable]);
});
