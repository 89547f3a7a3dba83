import * as tf from '@tensorflow/tfjs';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Case, check, type Pair, run } from './fixtures/convolution.js';
import { setThreads, threads } from './index.js';

beforeAll(async () => {
  await tf.setBackend('onednn');
});

const before = threads();

afterAll(() => {
  setThreads(before);
});

const around = (n: number): [Pair, Pair] => [[n, n], [n, n]]; // prettier-ignore

// One 3×3 filter for each of 8·n channels, strides of 1 or 2, padding up to 2: computed without oneDNN.
const cases = ([
  ['as in MobileNet', { x: [2, 14, 14, 16], filter: [3, 3, 16, 1], pad: around(1) }],
  ['as in MobileNet, strided', { x: [2, 14, 14, 16], filter: [3, 3, 16, 1], pad: around(1), strides: [2, 2] }],
  ['of odd images, strided', { x: [3, 13, 15, 8], filter: [3, 3, 8, 1], pad: around(1), strides: [2, 2] }],
  ['of a long line, more than is gone through at once', { x: [1, 3, 79, 8], filter: [3, 3, 8, 1], pad: around(1) }],
  ['of a long line, strided', { x: [1, 4, 150, 24], filter: [3, 3, 24, 1], pad: around(1), strides: [2, 2] }],
  ['of many lines, so that sums go on in double precision', { x: [9, 30, 4, 8], filter: [3, 3, 8, 1], pad: around(1) }],
  ['without padding', { x: [2, 7, 9, 32], filter: [3, 3, 32, 1] }],
  ['padded by 2', { x: [2, 6, 7, 8], filter: [3, 3, 8, 1], pad: around(2) }],
  ['padded by 2, strided', { x: [2, 6, 7, 8], filter: [3, 3, 8, 1], pad: around(2), strides: [2, 2] }],
  ['padded on one side', { x: [1, 9, 8, 8], filter: [3, 3, 8, 1], pad: [[2, 0], [0, 1]], strides: [2, 2] }],
  ['of one pixel', { x: [4, 1, 1, 40], filter: [3, 3, 40, 1], pad: around(1) }],
  ['of one pixel, strided', { x: [4, 1, 1, 40], filter: [3, 3, 40, 1], pad: around(1), strides: [2, 2] }],
  ['of two columns', { x: [1, 5, 2, 8], filter: [3, 3, 8, 1], pad: around(1), strides: [2, 2] }],
] as [string, Case][]).map(([name, one]) => [name, { ...one, depthwise: true }]) as [string, Case][]; // prettier-ignore

describe('3×3 depthwise convolutions and their gradients', () => {
  it.each(cases)('is right %s', (_, one) => {
    for (const count of [1, 2, 3]) {
      setThreads(count);
      check(one);
    }
  });

  it.each(cases)('is right on 16 bits %s', (_, one) => {
    setThreads(2);
    // One unit in the last place of the sum in float32.
    for (const format of ['bfloat16', 'float16'] as const) check(one, 2 ** -20, format);
  });

  // Results of more than 6 MiB are written past the cache.
  it.each([undefined, 'bfloat16', 'float16'] as const)('is right of large images, stored in %s', (format) => {
    setThreads(2);
    const one: Case = { x: [2, 113, 112, 128], filter: [3, 3, 128, 1], pad: around(1), depthwise: true };
    check(one, format === undefined ? undefined : 2 ** -20, format);
  });

  it('is right of large images, strided', () => {
    setThreads(2);
    check({ x: [1, 223, 225, 128], filter: [3, 3, 128, 1], pad: around(1), strides: [2, 2], depthwise: true });
  });

  it('is right for any geometry', () => {
    setThreads(2);
    const upTo = (least: number, most: number) => fc.integer({ min: least, max: most });
    const pad = fc.tuple(upTo(0, 2), upTo(0, 2)) as fc.Arbitrary<Pair>;
    fc.assert(
      fc.property(
        fc.record({ batch: upTo(1, 3), height: upTo(3, 14), width: upTo(3, 14), eights: upTo(1, 3) }),
        pad,
        pad,
        upTo(1, 2),
        ({ batch, height, width, eights }, rows, columns, stride) => {
          check({
            x: [batch, height, width, 8 * eights],
            filter: [3, 3, 8 * eights, 1],
            strides: [stride, stride],
            pad: [rows, columns],
            depthwise: true,
          });
        },
      ),
      { numRuns: 60, seed: 5 },
    );
  });

  it.each([1, 2])('strides of %i keep NaN and ∞ where they belong', (stride) => {
    // A filter of NaN but for its centre touches each pixel that a neighbour meets; a padded corner is met by four taps.
    const channels = 8;
    const size = 5;
    const attributes = { strides: [stride, stride], pad: around(1) };
    const x = new Float32Array(size * size * channels).fill(1);
    x[(2 * size + 2) * channels] = Infinity; // the centre of channel 0
    const filter = new Float32Array(9 * channels).fill(1);
    filter[1] = NaN; // the first tap of channel 1, which the first line and column do not meet
    const out = Math.floor((size - 1) / stride) + 1;
    const shape = [1, out, out, channels];
    const y = run('BagDepthwiseConv2D', { x: [x, [1, size, size, channels]], filter: [filter, [3, 3, channels, 1]] }, attributes, shape); // prettier-ignore
    for (let i = 0; i < out; i++)
      for (let j = 0; j < out; j++) {
        const near = Math.abs(i * stride - 2) <= 1 && Math.abs(j * stride - 2) <= 1;
        const taps = [i, j].map((n) => 3 - Number(n === 0) - Number(n * stride === size - 1)) as Pair;
        const values = y.slice((i * out + j) * channels, (i * out + j) * channels + 3);
        const plain = taps[0] * taps[1];
        expect(Array.from(values)).toEqual([near ? Infinity : plain, i > 0 && j > 0 ? NaN : plain, plain]);
      }
  });
});
