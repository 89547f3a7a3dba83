import { createRandom } from '@bag/random';
import { describe, expect, test } from 'vitest';
import { bufferedOrder } from './shard-order.js';

const random = (epoch = 0) => createRandom({ seed: 3, purpose: 'shuffle', epoch });

describe('the order of an epoch', () => {
  test('is a permutation, another one in another epoch, and the same for the same stream', () => {
    const counts = [5, 0, 17, 1, 30];
    const order = bufferedOrder(counts, 8, random());
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 53 }, (_, i) => i));
    expect(bufferedOrder(counts, 8, random())).toEqual(order);
    expect(bufferedOrder(counts, 8, random(1))).not.toEqual(order);
    expect([...bufferedOrder(counts, 100, random())].sort((a, b) => a - b)).toHaveLength(53);
  });

  test('with a buffer of one is the order of the shards; with a larger one nothing comes earlier than it allows', () => {
    const shards = [...random().permutation(3)];
    const inOrder = shards.flatMap((shard) => Array.from({ length: 4 }, (_, i) => 4 * shard + i));
    expect([...bufferedOrder([4, 4, 4], 1, random())]).toEqual(inOrder);
    const place = new Map(inOrder.map((index, i) => [index, i]));
    for (const [drawn, index] of bufferedOrder([4, 4, 4], 5, random()).entries()) {
      expect(place.get(index)).toBeLessThanOrEqual(drawn + 4);
    }
  });

  test('is close to uniform where the buffer holds all: each image is in each quarter equally often', () => {
    const quarters = new Float64Array(4);
    for (let epoch = 0; epoch < 400; epoch++) {
      const at = bufferedOrder([4, 4, 4, 4], 16, random(epoch)).indexOf(3);
      quarters[at >> 2] = (quarters[at >> 2] as number) + 1;
    }
    // 100 expected, standard deviation 8.7.
    for (const count of quarters) expect(Math.abs(count - 100)).toBeLessThan(4 * 8.7);
  });
});
