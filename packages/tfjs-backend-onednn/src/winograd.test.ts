import process from 'node:process';
import * as tf from '@tensorflow/tfjs';
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Case, check, type Pair, run, size, values } from './fixtures/convolution.js';
import { info, setThreads, threads } from './index.js';

beforeAll(async () => {
  await tf.setBackend('onednn');
});

// Its rounding is relative to what a whole tile adds up, the direct way's to one element.
const tolerance = 1e-5;

const before = threads();

beforeEach(() => {
  // The more threads, the more tiles it takes to pay.
  setThreads(2);
});

afterAll(() => {
  setThreads(before);
});

// So many pixels and channels that they are computed by Winograd's algorithm, on x64.
const cases: [string, Case][] = [
  ['padded as in a residual block', { x: [9, 8, 8, 16], filter: [3, 3, 16, 16], pad: [[1, 1], [1, 1]] }],
  ['with an odd image, to more channels', { x: [9, 9, 15, 16], filter: [3, 3, 16, 32], pad: [[1, 1], [1, 1]] }],
  ['to three panels of channels', { x: [2, 17, 16, 64], filter: [3, 3, 64, 48], pad: [[1, 1], [1, 1]] }],
  ['without padding', { x: [3, 18, 17, 32], filter: [3, 3, 32, 16] }],
  ['padded on one side', { x: [5, 13, 12, 32], filter: [3, 3, 32, 32], pad: [[2, 0], [0, 2]] }],
  ['padded to more than it was', { x: [5, 13, 11, 16], filter: [3, 3, 16, 16], pad: [[2, 2], [2, 2]] }],
  ['of one tile', { x: [128, 4, 4, 16], filter: [3, 3, 16, 16] }],
  ['of less than a tile', { x: [128, 2, 2, 16], filter: [3, 3, 16, 16], pad: [[1, 1], [1, 1]] }],
  ['of one pixel', { x: [128, 1, 1, 16], filter: [3, 3, 16, 16], pad: [[2, 2], [2, 2]] }],
]; // prettier-ignore

describe('3×3 convolutions and their gradients', () => {
  it('runs on the instructions that were asked for', () => {
    if (process.env['ONEDNN_MAX_CPU_ISA'] === 'AVX2') expect(info().instructionSet).toBe('avx2');
  });

  it.each(cases)('is right %s', (_, one) => {
    for (const count of [1, 2]) {
      setThreads(count);
      check(one, tolerance);
    }
  });

  it.each(cases)('is right on 16 bits %s', (_, one) => {
    // The larger tiles' rounding is float32's, which 16 bits do not see.
    for (const format of ['bfloat16', 'float16'] as const) check(one, 2 ** -20, format);
  });

  it('is right for any geometry', () => {
    setThreads(1);
    const extent = fc.integer({ min: 9, max: 20 });
    const pad = fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })) as fc.Arbitrary<Pair>;
    const channels = fc.constantFrom(16, 32, 48);
    fc.assert(
      fc.property(extent, extent, channels, channels, pad, pad, (rows, columns, from, to, padRows, padColumns) => {
        const batch = Math.ceil(64 / (Math.ceil((rows - 2) / 2) * Math.ceil((columns - 2) / 2)));
        const one: Case = { x: [batch, rows, columns, from], filter: [3, 3, from, to], pad: [padRows, padColumns] };
        check(one, tolerance);
        check(one, 2 ** -20, 'bfloat16');
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
    const shape = [4, 16, 16, 32];
    const images: [Float32Array, number[]] = [values(size(shape), 1), shape];
    const filter: [Float32Array, number[]] = [values(9 * 32 * 32, 2), [3, 3, 32, 32]];
    const attributes = { strides: 1, pad: 'same', dilations: 1, dataFormat: 'NHWC' };
    const all = () => [
      run('Conv2D', { x: images, filter }, attributes, shape),
      run('Conv2DBackpropInput', { dy: images, filter }, { ...attributes, inputShape: shape }, shape),
      run('Conv2DBackpropFilter', { x: images, dy: images }, { ...attributes, filterShape: filter[1] }, filter[1]),
    ];
    expect(all()).toEqual(all());
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
        if (process.arch === 'x64') expect(y.some(Number.isNaN)).toBe(true);
      }
    } // prettier-ignore
  });

  it('gives no finite gradient where dy is not finite', () => {
    const shape = [1, 24, 24, 16];
    const x: [Float32Array, number[]] = [values(size(shape), 1), shape];
    const filter: [Float32Array, number[]] = [values(9 * 16 * 16, 2), [3, 3, 16, 16]];
    const attributes = { strides: 1, pad: 'same', dilations: 1, dataFormat: 'NHWC' };
    for (const bad of [NaN, Infinity]) {
      const dy: [Float32Array, number[]] = [values(size(shape), 3), shape];
      dy[0][(9 * 24 + 8) * 16 + 5] = bad;
      const dx = run('Conv2DBackpropInput', { dy, filter }, { ...attributes, inputShape: shape }, shape);
      const spoilt = new Set(Array.from(dx.keys()).filter((i) => !Number.isFinite(dx[i])).map((i) => Math.floor(i / 16))); // prettier-ignore
      expect([...spoilt]).toEqual([8, 9, 10].flatMap((row) => [7, 8, 9].map((column) => row * 24 + column)));
      const dFilter = run('Conv2DBackpropFilter', { x, dy }, { ...attributes, filterShape: [3, 3, 16, 16] }, [3, 3, 16, 16]); // prettier-ignore
      dFilter.forEach((value, i) => { expect(Number.isFinite(value)).toBe(i % 16 !== 5); }); // prettier-ignore
    }
  });
});
