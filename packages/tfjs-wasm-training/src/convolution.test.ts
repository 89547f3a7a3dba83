import { describeOnBackends, expectNoLeak, relativeError } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import './index.js';

interface Case {
  batch: number;
  size: [number, number];
  channels: [number, number];
  filter: [number, number];
  strides: [number, number];
  pad: 'same' | 'valid' | [[number, number], [number, number], [number, number], [number, number]];
}

const around = (n: number): Case['pad'] => [
  [0, 0],
  [n, n],
  [n, n],
  [0, 0],
];

const cases: Case[] = [
  { batch: 2, size: [8, 8], channels: [16, 16], filter: [3, 3], strides: [1, 1], pad: around(1) },
  { batch: 1, size: [7, 9], channels: [3, 17], filter: [3, 3], strides: [2, 2], pad: around(1) },
  { batch: 3, size: [9, 7], channels: [1, 4], filter: [5, 3], strides: [1, 2], pad: 'same' },
  { batch: 2, size: [15, 15], channels: [3, 8], filter: [7, 7], strides: [2, 2], pad: around(3) },
  { batch: 2, size: [6, 6], channels: [64, 32], filter: [1, 1], strides: [1, 1], pad: 'valid' },
  { batch: 2, size: [7, 7], channels: [8, 16], filter: [1, 1], strides: [2, 2], pad: 'valid' },
  { batch: 2, size: [11, 10], channels: [5, 6], filter: [3, 3], strides: [3, 3], pad: 'valid' },
  {
    batch: 1,
    size: [6, 6],
    channels: [2, 3],
    filter: [2, 2],
    strides: [1, 1],
    pad: [
      [0, 0],
      [0, 1],
      [1, 0],
      [0, 0],
    ],
  },
  // More padding than the filter is wide: a phase would need negative padding.
  { batch: 1, size: [4, 4], channels: [2, 3], filter: [1, 1], strides: [1, 1], pad: around(1) },
  // Larger than one chunk of patches.
  { batch: 3, size: [40, 40], channels: [4, 3], filter: [3, 3], strides: [1, 1], pad: around(1) },
];

async function gradients(
  backend: string,
  { batch, size, channels, filter, strides, pad }: Case,
  { signs = true }: { signs?: boolean } = {},
) {
  await tf.setBackend('cpu');
  const values = (shape: number[], seed: number) =>
    tf.tidy(() => {
      const normal = tf.randomNormal<tf.Rank.R4>(shape as tf.Tensor4D['shape'], 0, 1, 'float32', seed);
      return signs ? normal : tf.abs(normal);
    });
  const x = values([batch, ...size, channels[0]], 1);
  const w = values([...filter, channels[0], channels[1]], 2);
  const y = tf.conv2d(x, w, strides, pad === 'same' || pad === 'valid' ? pad : (pad as unknown as number));
  const dy = values(y.shape, 3);
  await tf.setBackend(backend);
  const attributes = { strides, pad, dataFormat: 'NHWC', dimRoundingMode: undefined };
  const run = (name: string, inputs: tf.NamedTensorMap, more: object) =>
    tf.engine().runKernel(name, inputs, { ...attributes, ...more } as never) as unknown as tf.Tensor;
  const [dx, dw] = await expectNoLeak(
    () => [
      run('Conv2DBackpropInput', { dy, filter: w }, { inputShape: x.shape }),
      run('Conv2DBackpropFilter', { x, dy }, { filterShape: w.shape }),
    ],
    2,
  );
  const result = [await dx?.data(), await dw?.data()] as [Float32Array, Float32Array];
  tf.dispose([x, w, y, dy, dx ?? [], dw ?? []]);
  return result;
}

async function compare(one: Case) {
  const expected = await gradients('cpu', one);
  const size = await gradients('cpu', one, { signs: false });
  const actual = await gradients('wasm', one);
  expect(relativeError(actual[0], expected[0], size[0]), 'of the input').toBeLessThan(1e-6);
  expect(relativeError(actual[1], expected[1], size[1]), 'of the filter').toBeLessThan(1e-6);
}

describeOnBackends(
  'convolution gradients equal those of the cpu backend',
  () => {
    test.each(cases)('$batch×$size×$channels, filter $filter, strides $strides, pad $pad', compare);

    test('for any geometry', async () => {
      const small = fc.integer({ min: 1, max: 7 });
      const pad = fc.integer({ min: 0, max: 2 });
      const geometry = fc.record({
        batch: fc.integer({ min: 1, max: 3 }),
        size: fc.tuple(fc.integer({ min: 3, max: 9 }), fc.integer({ min: 3, max: 9 })),
        channels: fc.tuple(small, small),
        filter: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
        strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
        pad: fc.tuple(pad, pad, pad, pad).map(([a, b, c, d]): Case['pad'] => [
          [0, 0],
          [a, b],
          [c, d],
          [0, 0],
        ]),
      });
      await fc.assert(fc.asyncProperty(geometry, compare), { numRuns: 40 });
    });
  },
  ['wasm'],
);

describe('layout', () => {
  test('NCHW is refused by name', async () => {
    await tf.setBackend('wasm');
    const x = tf.zeros([1, 2, 4, 4]);
    const attributes = { strides: 1, pad: 'valid', dataFormat: 'NCHW', filterShape: [1, 1, 2, 2] };
    expect(() => tf.engine().runKernel('Conv2DBackpropFilter', { x, dy: x }, attributes as never)).toThrow(
      'Conv2DBackpropFilter: the wasm backend supports NHWC only, got NCHW',
    );
    x.dispose();
  });
});
