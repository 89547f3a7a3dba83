import { describeOnBackends, expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { allFinite, halfCopies, roundTo } from './index.js';
import { roundByArithmetic } from './round-to.js';

interface Golden {
  x: number[];
  float16: number[];
  bfloat16: number[];
}
const golden = JSON.parse(readFileSync(new URL('fixtures/rounding.json', import.meta.url), 'utf8')) as Golden;
const fromBits = (bits: number[]) => new Float32Array(Uint32Array.from(bits).buffer);
const formats = ['float16', 'bfloat16'] as const;

/** Engines that round by arithmetic and take float32's subnormal numbers for 0. */
const flushing = new Set(['tensorflow', 'tensorflow-gpu', 'webgl']);
/** What such an engine makes of a value. */
const flushed = (v: number) => (Math.abs(v) < 2 ** -126 ? 0 * Math.sign(v) : v);

describeOnBackends('roundTo', (backend) => {
  test.each(formats)('%s: bit for bit as numpy and PyTorch round', async (format) => {
    const x = tf.tensor1d(fromBits(golden.x));
    const rounded = await expectNoLeak(() => roundTo(x, format), 1);
    const actual = (await rounded.data()) as Float32Array;
    const exact = fromBits(golden[format]);
    const expected = flushing.has(backend) ? exact.map(flushed) : exact;
    for (let i = 0; i < expected.length; i++) {
      // A NaN's payload is not specified; everything else is compared as bits, so that −0 counts.
      if (!Object.is(actual[i], expected[i])) {
        expect.fail(`${(fromBits(golden.x)[i] ?? 0).toString()}: ${actual[i] ?? ''} instead of ${expected[i] ?? ''}`);
      }
    }
    expect(rounded.dtype).toBe('float32');
    expect((await x.data()).slice(5)).toEqual(fromBits(golden.x).slice(5));
    tf.dispose([x, rounded]);
  });

  test('every one of the 65,536 halves stays what it is', async () => {
    const halves = Float32Array.from({ length: 65536 }, (_, bits) => {
      const [sign, exponent, mantissa] = [bits >> 15 === 0 ? 1 : -1, (bits >> 10) & 31, bits & 1023];
      if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
      return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15));
    });
    const rounded = tf.tidy(() => roundTo(tf.tensor1d(halves), 'float16'));
    expect(await rounded.data()).toEqual(halves);
    rounded.dispose();
  });

  test.each(formats)('%s by arithmetic, for backends whose memory is out of reach', async (format) => {
    // roundTo itself does it, or there is no need to: WebGPU rounds on the bits, and a GPU may take subnormals for 0.
    if (flushing.has(backend) || backend === 'webgpu') return;
    const x = tf.tensor1d(fromBits(golden.x));
    const exact = roundTo(x, format);
    const arithmetic = tf.tidy(() => roundByArithmetic(x, format));
    expect(await arithmetic.data()).toEqual(await exact.data());
    tf.dispose([x, exact, arithmetic]);
  });

  test('the gradient passes straight through, also to master weights', async () => {
    const x = tf.tensor1d([2049, 1]);
    const gradient = tf.grad((w) => {
      const { copy } = halfCopies({ copy: w }, 'float16');
      return tf.sum(tf.mul(copy, copy));
    })(x);
    // d(round(w)²) = 2·round(w); 2049 rounds to 2048.
    expect([...(await gradient.data())]).toEqual([4096, 2]);
    tf.dispose([x, gradient]);
    expect(() => roundTo(tf.tensor1d([1], 'int32'), 'float16')).toThrow('expected a float32 tensor, got int32');
  });
});

describeOnBackends('allFinite', (backend) => {
  test.each([
    [[0, 1e38, -1e-45], true],
    [[0, Infinity, 1], false],
    [[-Infinity], false],
    [[1, NaN], false],
  ])('%j: %s', async (values, expected) => {
    const tensors = [tf.ones([3, 3]), tf.tensor1d(values)];
    expect(await expectNoLeak(() => allFinite(tensors))).toBe(expected);
    tf.dispose(tensors);
  });

  test('one kernel and one read, however many tensors', async () => {
    const tensors = Array.from({ length: 50 }, (_, i) => tf.ones([i + 1]));
    const reads = vi.spyOn(tf.backend(), 'read');
    const { kernels } = await tf.profile(async () => {
      await allFinite(tensors);
      return [];
    });
    // Where neither the memory is in reach nor the engine has such a kernel, it is composed.
    if (!flushing.has(backend)) {
      expect(kernels.map(({ name, inputShapes }) => [name, inputShapes.length])).toEqual([['BagAllFinite', 50]]);
    }
    expect(reads).toHaveBeenCalledOnce();
    reads.mockRestore();
    tf.dispose(tensors);
  });

  test('of nothing', async () => {
    expect(await allFinite([])).toBe(true);
  });
});
