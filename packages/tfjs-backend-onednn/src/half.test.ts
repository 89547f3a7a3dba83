import { policy, roundArray } from '@bag/mixed-precision';
import { batchNormTraining, conv2d, crossEntropy, maxPool, sgdUpdate, valueAndGradients } from '@bag/ops';
import { expectNoLeak, relativeError } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { noise } from './fixtures/noise.js';
import { half, onednn } from './fixtures/onednn.js';
import { memory } from './index.js';
import { native } from './native.js';

beforeAll(async () => {
  await tf.setBackend('onednn');
});

const formats = ['bfloat16', 'float16'] as const;
type Format = (typeof formats)[number];

const formatOf = (x: tf.Tensor) => onednn().halfOf(x.dataId);

describe.each(formats)('%s in memory', (format) => {
  test('holds each of its values', () => {
    const [bits, bias, mantissa] = format === 'float16' ? [5, 15, 10] : [8, 127, 7];
    const values = Float32Array.from({ length: 2 ** 16 }, (_, i) => {
      const [sign, exponent, fraction] = [i >> 15, (i >> mantissa) & (2 ** bits - 1), i & (2 ** mantissa - 1)];
      const size =
        exponent === 2 ** bits - 1
          ? fraction === 0 ? Infinity : NaN
          : exponent === 0
            ? fraction * 2 ** (1 - bias - mantissa)
            : (1 + fraction / 2 ** mantissa) * 2 ** (exponent - bias);
      return sign === 1 ? -size : size;
    }); // prettier-ignore
    const x = half(tf.tensor1d(values), format);
    expect(formatOf(x)).toBe(format);
    // Read, and widened for a kernel.
    expect(x.dataSync()).toEqual(values);
    const doubled = tf.tidy(() => tf.sub(x, tf.zeros([2 ** 16])).dataSync());
    values.forEach((value, i) => { if (doubled[i] !== value && !Number.isNaN(value)) expect(doubled[i]).toBe(value); }); // prettier-ignore
    x.dispose();
  });

  test('rounds to the nearest', () => {
    const values = [70000, 1e-3, 3e-6, 1e-39, 3e38].flatMap((scale, i) => Array.from(noise(3001, i, 0, scale)));
    const array = Float32Array.from([...values, NaN, Infinity, -Infinity, -0]);
    const x = half(tf.tensor1d(array), format);
    expect(x.dataSync()).toEqual(roundArray(array.slice(), format));
    x.dispose();
  });

  test('takes half the bytes', () => {
    const before = memory().bytesInUse;
    const x = half(tf.zeros([2 ** 16]), format);
    const taken = memory().bytesInUse - before;
    x.dispose();
    // A block takes its bytes and what rounds them up.
    expect(taken).toBeGreaterThanOrEqual(2 ** 17);
    expect(taken).toBeLessThan(2 ** 17 + 2 ** 14);
    expect(memory().bytesInUse).toBe(before);
  });
});

describe('a weight in 16 bits', () => {
  const images = () => tf.tensor4d(noise(2 * 4 * 4 * 3, 1, 0, 1), [2, 4, 4, 3]);
  const convolve = (w: tf.Tensor4D) =>
    tf.tidy(() => onednn().precision.autocast('bfloat16', () => tf.conv2d(images(), w, 1, 'same').dataSync()));

  test('is made once, from what its master is now, and dies with it', () => {
    const blocks = memory().blocksInUse;
    const weight = tf.tidy(() => tf.variable(tf.tensor4d(noise(9 * 9, 2, 0, 1), [3, 3, 3, 3])));
    const first = convolve(weight);
    const { blocksInUse } = memory();
    expect(convolve(weight)).toEqual(first);
    expect(memory().blocksInUse).toBe(blocksInUse);
    // A master, its copy, and the copy in the order of the convolution's own.
    expect(blocksInUse - blocks).toBeGreaterThanOrEqual(2);
    tf.tidy(() => { weight.assign(tf.mul(weight, 2)); }); // prettier-ignore
    expect(memory().blocksInUse - blocks).toBe(1);
    expect(convolve(weight)).toEqual(first.map((value) => value * 2));
    weight.dispose();
    expect(memory().blocksInUse).toBe(blocks);
  });

  const update = (weight: tf.Variable) => {
    tf.tidy(() => {
      const gradient = tf.tensor(noise(weight.size, 3, 0, 1), weight.shape);
      weight.assign(sgdUpdate({ parameter: weight, gradient, velocity: tf.zerosLike(weight), rate: 0.1 }).parameter);
    });
  };

  // The larger one is written past the cache.
  const updated = formats.flatMap((format) => [15, 255].map((channels) => ({ format, channels })));
  test.each(updated)('in $format, of $channels channels, is made along with the update', ({ format, channels }) => {
    const shape: [number, number, number, number] = [3, 3, channels, channels + 2];
    const blocks = memory().blocksInUse;
    const weight = tf.tidy(() => tf.variable(tf.tensor4d(noise(9 * channels * (channels + 2), 2, 0, 1), shape)));
    const x = tf.tensor4d(noise(2 * 4 * 4 * channels, 1, 0, 1), [2, 4, 4, channels]);
    const product = (w: tf.Tensor4D) =>
      tf.tidy(() => onednn().precision.autocast(format, () => tf.conv2d(x, w, 1, 'same').dataSync()));
    product(weight);
    update(weight);
    // The new master and its copy.
    expect(memory().blocksInUse - blocks).toBe(3);
    const narrowed = vi.spyOn(native, 'run');
    const result = product(weight);
    const narrow = native.kernels.indexOf('Narrow');
    expect(narrowed.mock.calls.filter(([kernel]) => kernel === narrow)).toHaveLength(1);
    narrowed.mockRestore();
    const same = tf.tidy(() => tf.variable(tf.tensor4d(weight.dataSync<'float32'>().slice(), shape)));
    expect(product(same)).toEqual(result);
    // No product took the last copy: the update makes no other.
    update(weight);
    update(weight);
    same.dispose();
    expect(memory().blocksInUse - blocks).toBe(2);
    weight.dispose();
    x.dispose();
    expect(memory().blocksInUse).toBe(blocks);
  });

  test('follows the format in force', () => {
    const weight = tf.tidy(() => tf.variable(tf.tensor4d(noise(9 * 9, 2, 0, 1), [3, 3, 3, 3])));
    const inFloat16 = () =>
      tf.tidy(() => onednn().precision.autocast('float16', () => tf.conv2d(images(), weight, 1, 'same').dataSync()));
    const [first, second] = [convolve(weight), inFloat16()];
    expect(first).not.toEqual(second);
    expect([convolve(weight), inFloat16()]).toEqual([first, second]);
    weight.dispose();
  });
});

test('the rules are those that @bag/mixed-precision emulates', () => {
  const text = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
  expect(text('half.ts')).toBe(text('../../mixed-precision/src/half.ts'));
});

describe('what is stored in 16 bits', () => {
  const values = () => tf.tensor4d(noise(2 * 4 * 4 * 3, 1, 0, 1), [2, 4, 4, 3]);
  const filter = () => tf.tensor4d(noise(9 * 9, 2, 0, 1), [3, 3, 3, 3]);

  test.each<[string, () => tf.Tensor, Format | undefined]>([
    ['a convolution in the format’s force', () => onednn().precision.autocast('float16', () => tf.conv2d(values(), filter(), 1, 'same')), 'float16'],
    ['a product in the format’s force', () => onednn().precision.autocast('bfloat16', () => tf.matMul(tf.ones([2, 3]), tf.ones([3, 2]))), 'bfloat16'],
    ['a product of 16 bits in float32’s force', () => onednn().precision.autocast('float32', () => tf.matMul(half(tf.ones([2, 3])), half(tf.ones([3, 2])))), undefined],
    ['a product of 16 bits', () => tf.matMul(half(tf.ones([2, 3])), half(tf.ones([2, 3])), false, true), 'bfloat16'],
    ['a convolution of 16 bits that is excepted', () => onednn().precision.autocast('bfloat16', () => tf.conv2d(half(values()), half(filter()), 1, 'same'), new Set(['convolution'] as const)), undefined],
    ['a sum in the format’s force', () => onednn().precision.autocast('float16', () => tf.add(values(), values())), undefined],
    ['a convolution of 16 bits', () => tf.conv2d(half(values()), half(filter()), 1, 'same'), 'bfloat16'],
    ['what follows its input', () => tf.relu(half(values())), 'bfloat16'],
    ['what follows both inputs', () => tf.add(half(values()), half(values())), 'bfloat16'],
    ['mixed inputs', () => tf.add(half(values()), values()), undefined],
    ['mixed formats', () => tf.add(half(values()), half(values(), 'float16')), undefined],
    ['a pool', () => tf.maxPool(half(values()), 2, 2, 'valid'), 'bfloat16'],
    ['a list of tensors', () => tf.concat([half(values()), half(values())], 0), 'bfloat16'],
    ['a sum of a list', () => tf.addN([half(values()), half(values())]), 'bfloat16'],
    ['another shape', () => tf.reshape(half(values()), [-1]), 'bfloat16'],
    ['a copy', () => half(values()).clone(), 'bfloat16'],
    ['what tfjs-backend-cpu computes', () => tf.spaceToBatchND(half(values()), [2, 2], [[0, 0], [0, 0]]), 'bfloat16'],
    ['a sum over an axis', () => tf.sum(half(values()), 1), undefined],
    ['a softmax', () => tf.softmax(half(values())), undefined],
    ['truth values', () => tf.greater(half(values()), half(values())), undefined],
    ['nothing', () => tf.relu(half(tf.zeros([0, 3]))), 'bfloat16'],
  ])('%s', async (_, run, format) => {
    const blocks = memory().blocksInUse;
    await expectNoLeak(() => {
      const y = tf.tidy(run);
      expect(formatOf(y)).toBe(format);
      y.dispose();
    });
    expect(memory().blocksInUse).toBe(blocks);
  }); // prettier-ignore
});

describe.each(formats)('products in %s', (format) => {
  const x = () => tf.tensor4d(noise(2 * 9 * 8 * 16, 1, 0, 1), [2, 9, 8, 16]);
  const filter = (to: number) => tf.tensor4d(noise(9 * 16 * to, 2, 0, 1), [3, 3, 16, to]);
  const matrix = (seed: number) => tf.tensor2d(noise(48 * 48, seed, 0, 1), [48, 48]);
  const bias = () => tf.tensor1d(noise(16, 3, 0, 1));

  test.each<[string, (as: <T extends tf.Tensor>(t: T) => T) => tf.Tensor]>([
    ['convolution', (as) => tf.conv2d(as(x()), as(filter(16)), 1, 'same')],
    ['strided convolution', (as) => tf.conv2d(as(x()), as(filter(24)), 2, 'valid')],
    ['depthwise convolution', (as) => tf.depthwiseConv2d(as(x()), as(filter(1)), 1, 'same')],
    ['gradient of the input', (as) => tf.engine().runKernel('Conv2DBackpropInput', { dy: as(x()), filter: as(filter(16)) }, { strides: 1, pad: 'same', dataFormat: 'NHWC', inputShape: [2, 9, 8, 16] })],
    ['gradient of the filter', (as) => tf.engine().runKernel('Conv2DBackpropFilter', { x: as(x()), dy: as(x()) }, { strides: 1, pad: 'same', dataFormat: 'NHWC', filterShape: [3, 3, 16, 16] })],
    ['product of matrices', (as) => tf.matMul(as(matrix(4)), as(matrix(5)))],
    ['convolution with a bias', (as) => onednn().precision.autocast(format, () => tf.fused.conv2d({ x: as(x()), filter: as(filter(16)), strides: 1, pad: 'same', bias: bias() }))],
    ['convolution with a bias and a ReLU', (as) => onednn().precision.autocast(format, () => tf.fused.conv2d({ x: as(x()), filter: as(filter(16)), strides: 1, pad: 'same', bias: bias(), activation: 'relu' }))],
  ])('%s: those of the rounded operands in float32, rounded', (_, run) => {
    tf.tidy(() => {
      const actual = run((t) => half(t, format)).dataSync();
      const rounded = <T extends tf.Tensor>(t: T): T => tf.tensor(roundArray(t.dataSync<'float32'>().slice(), format), t.shape) as T;
      const exact = onednn().precision.autocast(format, () => run(rounded)).dataSync();
      expect(formatOf(run((t) => half(t, format)))).toBe(_ === 'gradient of the filter' ? undefined : format);
      const unit = 2 ** (format === 'float16' ? -10 : -7);
      actual.forEach((value, i) => {
        const other = exact[i] as number;
        // One unit in the last place, and what another order of the sum may do.
        expect(Math.abs(value - other)).toBeLessThanOrEqual(unit * Math.abs(other) + 2e-4);
      });
    });
  }); // prettier-ignore
});

/** One step of a small network under a policy. */
async function step(format: Format | 'float32', backend: string) {
  await tf.setBackend(backend);
  const precision = policy({ dtype: format });
  const variable = (name: string, shape: number[], scale: number, seed: number) => {
    const length = shape.reduce((a, b) => a * b, 1);
    return { name, variable: tf.tidy(() => tf.variable(tf.tensor(noise(length, seed, 0, scale), shape))) };
  };
  const parameters = [
    variable('conv', [3, 3, 3, 16], 0.4, 1),
    variable('gamma', [16], 1, 2),
    variable('beta', [16], 1, 3),
    variable('conv2', [3, 3, 16, 16], 0.2, 4),
    variable('gamma2', [16], 1, 5),
    variable('beta2', [16], 1, 6),
    variable('fc', [16, 5], 0.5, 7),
  ];
  const [conv, gamma, beta, second, gamma2, beta2, fc] = parameters.map(({ variable }) => variable as tf.Tensor);
  const images = tf.tensor4d(noise(4 * 8 * 8 * 3, 8, 0, 1), [4, 8, 8, 3]);
  const labels = tf.tensor1d([1, 2, 0, 4], 'int32');
  const norm = (x: tf.Tensor4D, g: tf.Tensor, b: tf.Tensor, residual?: tf.Tensor4D) =>
    batchNormTraining({ x, gamma: g as tf.Tensor1D, beta: b as tf.Tensor1D, relu: true, residual }).y;
  const { value, gradients } = precision.step(() =>
    valueAndGradients(() => {
      const logits = precision.autocast(() => {
        const a = norm(conv2d(images, conv as tf.Tensor4D, { padding: 1 }), gamma as tf.Tensor, beta as tf.Tensor);
        const pooled = maxPool(a, { size: 2, strides: 2 });
        const b = norm(conv2d(pooled, second as tf.Tensor4D, { padding: 1 }), gamma2 as tf.Tensor, beta2 as tf.Tensor, pooled); // prettier-ignore
        return tf.matMul<tf.Tensor2D>(tf.mean<tf.Tensor2D>(b, [1, 2]), fc as tf.Tensor2D);
      });
      return tf.mul<tf.Scalar>(tf.mean(crossEntropy({ logits, labels })), 64);
    }, parameters),
  );
  const halves = backend === 'onednn' ? Object.values(gradients).filter((g) => formatOf(g) !== undefined).length : 0;
  const result = {
    halves,
    emulated: precision.emulated,
    loss: (await value.data())[0] as number,
    gradients: Object.fromEntries(
      await Promise.all(Object.entries(gradients).map(async ([name, g]) => [name, await g.data()] as const)),
    ),
  };
  tf.dispose([value, gradients, images, labels, ...parameters.map(({ variable }) => variable)]);
  return result;
}

describe.each(formats)('a training step in %s', (format) => {
  test('is what the emulation on tfjs-backend-cpu makes of it', async () => {
    const [stored, emulated, full] = [await step(format, 'onednn'), await step(format, 'cpu'), await step('float32', 'onednn')]; // prettier-ignore
    expect([stored.emulated, emulated.emulated, stored.halves]).toEqual([false, true, 0]);
    expect(Math.abs(stored.loss / emulated.loss - 1)).toBeLessThan(1e-3);
    for (const [name, gradient] of Object.entries(stored.gradients)) {
      const [other, exact] = [emulated.gradients[name], full.gradients[name]] as [Float32Array, Float32Array];
      // Sums in another order round another way, here and there.
      const rounding = relativeError(other, exact);
      expect(relativeError(gradient as Float32Array, other), name).toBeLessThan(0.5 * rounding);
      expect(rounding, name).toBeGreaterThan(1e-5);
    }
  });

  test('leaves nothing behind', async () => {
    const { numTensors } = tf.memory();
    const { blocksInUse } = memory();
    await step(format, 'onednn');
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(memory().blocksInUse).toBe(blocksInUse);
  });
});
