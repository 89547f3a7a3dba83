import * as tf from '@tensorflow/tfjs';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Case, check, type Pair, run, size, values } from './fixtures/convolution.js';
import { info, setThreads, threads } from './index.js';

beforeAll(async () => {
  await tf.setBackend('onednn');
});

// Its rounding is relative to what a whole tile adds up, the direct way's to one element.
const tolerance = 1e-5;

function withThreads(count: number): void {
  const before = threads();
  onTestFinished(() => setThreads(before));
  setThreads(count);
}

// So many pixels and channels that they are computed by Winograd's algorithm.
describe('3×3 convolutions and their gradients', () => {
  it('runs on the instructions that were asked for', () => {
    const most = process.env['ONEDNN_MAX_CPU_ISA'];
    if (most !== undefined) expect(info().instructionSet).toBe(most.toLowerCase());
  });

  it.each<[string, Case]>([
    ['padded as in a residual block', { x: [9, 8, 8, 16], filter: [3, 3, 16, 16], pad: [[1, 1], [1, 1]] }],
    ['with an odd image, to more channels', { x: [9, 9, 15, 16], filter: [3, 3, 16, 32], pad: [[1, 1], [1, 1]] }],
    ['to three panels of channels', { x: [2, 17, 16, 64], filter: [3, 3, 64, 48], pad: [[1, 1], [1, 1]] }],
    ['without padding', { x: [3, 18, 17, 32], filter: [3, 3, 32, 16] }],
    ['padded on one side', { x: [5, 13, 12, 32], filter: [3, 3, 32, 32], pad: [[2, 0], [0, 2]] }],
    ['padded to more than it was', { x: [5, 13, 11, 16], filter: [3, 3, 16, 16], pad: [[2, 2], [2, 2]] }],
  ] as [string, Case][])('is right %s', (_, one) => {
    for (const count of [1, 2]) {
      withThreads(count);
      check(one, tolerance);
    }
  }); // prettier-ignore

  it('is right for any geometry', () => {
    withThreads(1);
    const extent = fc.integer({ min: 9, max: 20 });
    const pad = fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })) as fc.Arbitrary<Pair>;
    const channels = fc.constantFrom(16, 32, 48);
    fc.assert(
      fc.property(extent, extent, channels, channels, pad, pad, (rows, columns, from, to, padRows, padColumns) => {
        const batch = Math.ceil(64 / (Math.ceil((rows - 2) / 2) * Math.ceil((columns - 2) / 2)));
        check({ x: [batch, rows, columns, from], filter: [3, 3, from, to], pad: [padRows, padColumns] }, tolerance);
      }),
      { numRuns: 12, seed: 5 },
    );
  });

  it('adds a bias and applies an activation', () => {
    const x = values(4 * 16 * 16 * 16, 1);
    const filter = values(9 * 16 * 16, 2);
    const bias = values(16, 3);
    const attributes = { strides: 1, pad: 'same', dilations: 1, dataFormat: 'NHWC' };
    const inputs: Record<string, [Float32Array, number[]]> = {
      x: [x, [4, 16, 16, 16]],
      filter: [filter, [3, 3, 16, 16]],
    };
    const plain = run('Conv2D', inputs, attributes, [4, 16, 16, 16]);
    const fused = run('FusedConv2D', { ...inputs, bias: [bias, [16]] }, { ...attributes, activation: 'relu' }, [4, 16, 16, 16]); // prettier-ignore
    fused.forEach((value, i) => {
      expect(value).toBe(Math.max(0, Math.fround((plain[i] as number) + (bias[i % 16] as number))));
    });
  });

  it('gives the same bits again', () => {
    const one: [Float32Array, number[]] = [values(4 * 16 * 16 * 32, 1), [4, 16, 16, 32]];
    const attributes = { strides: 1, pad: 'same', dilations: 1, dataFormat: 'NHWC', filterShape: [3, 3, 32, 32] };
    const gradient = () => run('Conv2DBackpropFilter', { x: one, dy: one }, attributes, [3, 3, 32, 32]);
    expect(gradient()).toEqual(gradient());
  });

  it('makes a new form of a filter that is seen in another shape', () => {
    tf.tidy(() => {
      const filter = tf.tensor1d(values(9 * 16 * 32, 1));
      const x = (channels: number) => tf.tensor4d(values(4 * 256 * channels, 2), [4, 16, 16, channels]);
      for (const [from, to] of [[16, 32], [32, 16]] as const) {
        const seen = filter.reshape<tf.Tensor4D>([3, 3, from, to]);
        const own = tf.tensor4d(filter.dataSync(), [3, 3, from, to]);
        const [one, other] = [seen, own].map((one) => tf.conv2d(x(from), one, 1, 'same').dataSync());
        expect(one).toEqual(other);
      }
    }); // prettier-ignore
  });

  it('keeps NaN and ∞ to the pixels that they reach; ∞ − ∞ makes some of them NaN', () => {
    const shape = [1, 24, 24, 16];
    const filter = new Float32Array(9 * 16 * 16).fill(1);
    const attributes = { strides: 1, pad: 'same', dilations: 1, dataFormat: 'NHWC' };
    for (const bad of [NaN, Infinity, -Infinity]) {
      for (const [row, column] of [[8, 8], [9, 8], [8, 9], [9, 9]] as const) {
        const x = values(size(shape), 1);
        x[(row * 24 + column) * 16] = bad;
        const y = run('Conv2D', { x: [x, shape], filter: [filter, [3, 3, 16, 16]] }, attributes, shape);
        y.forEach((value, i) => {
          const pixel = Math.floor(i / 16);
          const distance = Math.max(Math.abs(Math.floor(pixel / 24) - row), Math.abs((pixel % 24) - column));
          expect(Number.isFinite(value)).toBe(distance > 1);
        });
        // The direct way would give ∞: this is how one sees which way was taken.
        expect(y.some(Number.isNaN)).toBe(true);
      }
    } // prettier-ignore
  });
});
