import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { selectedBackends, start } from './engines.js';

// What `npm run test:backends` asks first: whether an engine can be had on this machine.
describe.each(selectedBackends)('%s', (backend) => {
  test('starts', () => start(backend));

  test('computes', async () => {
    await start(backend);
    const product = tf.tidy(() => tf.matMul(tf.tensor2d([[2, 3]]), tf.tensor2d([[4], [5]])));
    expect([...(await product.data())]).toEqual([23]);
    product.dispose();
  });
});
