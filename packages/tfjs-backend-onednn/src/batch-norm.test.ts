import { batchNormTraining } from '@bag/ops';
import { expectAllClose } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { noise } from './fixtures/noise.js';
import { memory, type OnednnBackend } from './index.js';

beforeAll(async () => {
  await tf.setBackend('onednn');
});

/** Runs a kernel on inputs of rank 1 (a number per channel) and 2; its outputs' values. Nothing may be left. */
function run(name: string, channels: number, inputs: Record<string, Float32Array | undefined>, attributes: object) {
  const tensorsBefore = tf.memory().numTensors;
  const blocksBefore = memory().blocksInUse;
  const tensors: tf.NamedTensorMap = {};
  for (const [key, array] of Object.entries(inputs)) {
    const matrix = ['x', 'y', 'dy', 'residual'].includes(key);
    if (array !== undefined) tensors[key] = tf.tensor(array, matrix ? [array.length / channels, channels] : [channels]);
  }
  const outputs: tf.Tensor | tf.Tensor[] = tf.engine().runKernel(name, tensors, attributes as tf.NamedAttrMap);
  const result = [outputs].flat().map((t) => t.dataSync() as Float32Array);
  tf.dispose([outputs, tensors] as tf.TensorContainer);
  expect(tf.memory().numTensors, 'tensors').toBe(tensorsBefore);
  expect(memory().blocksInUse, 'blocks').toBe(blocksBefore);
  return result;
}

const at = (array: ArrayLike<number>, i: number): number => array[i] as number;

/** Statistics of each channel, in double precision and two passes. */
function statistics(x: Float32Array, channels: number) {
  const count = x.length / channels;
  const mean = new Float64Array(channels);
  const variance = new Float64Array(channels);
  x.forEach((value, i) => (mean[i % channels] = at(mean, i % channels) + value / count));
  x.forEach(
    (value, i) => (variance[i % channels] = at(variance, i % channels) + (value - at(mean, i % channels)) ** 2 / count),
  );
  return { mean, variance };
}

const epsilon = 1e-5;

interface Options {
  relu: boolean;
  residual: boolean;
  centre?: number;
  spread?: number;
}

function checkTraining(rows: number, channels: number, { relu, residual, centre = 0.5, spread = 2 }: Options): void {
  const x = noise(rows * channels, 1, centre, spread);
  const gamma = noise(channels, 2, 1, 0.5);
  const beta = noise(channels, 3);
  const more = residual ? noise(x.length, 4) : undefined;
  const [y, mean, variance] = run('BagBatchNormTraining', channels, { x, gamma, beta, residual: more }, { epsilon, relu, residual }) as [Float32Array, Float32Array, Float32Array]; // prettier-ignore
  const exact = statistics(x, channels);
  expectAllClose(mean, exact.mean, { absolute: 1e-6 * spread, relative: 1e-7 });
  expectAllClose(variance, exact.variance, { relative: 2e-6, absolute: 1e-12 * spread ** 2 });

  // What the returned statistics come to: x less a mean of single precision is exact enough only about that mean.
  const inverse = Float64Array.from(variance, (v) => 1 / Math.sqrt(v + epsilon));
  const normal = Float64Array.from(x, (v, i) => (v - at(mean, i % channels)) * at(inverse, i % channels));
  const open = new Float64Array(x.length);
  const expected = normal.map((v, i) => {
    const value = v * at(gamma, i % channels) + at(beta, i % channels) + (more?.[i] ?? 0);
    open[i] = !relu || at(y, i) > 0 ? 1 : 0;
    return relu ? Math.max(0, value) : value;
  });
  expectAllClose(y, expected, { relative: 1e-6, absolute: 2e-6 });

  const dy = noise(x.length, 5);
  const outputs = run(
    'BagBatchNormTrainingGrad',
    channels,
    { dy, x, mean, variance, gamma, beta, ...(relu && { y }) },
    { epsilon, relu, residual },
  );
  expect(outputs.length).toBe(residual ? 4 : 3);
  const g = Float64Array.from(dy, (v, i) => v * at(open, i));
  const dBeta = new Float64Array(channels);
  const dGamma = new Float64Array(channels);
  const sizes = new Float64Array(channels);
  g.forEach((v, i) => {
    const c = i % channels;
    dBeta[c] = at(dBeta, c) + v;
    dGamma[c] = at(dGamma, c) + v * at(normal, i);
    sizes[c] = at(sizes, c) + Math.abs(v) * (1 + Math.abs(at(normal, i)));
  });
  const [dx, gotGamma, gotBeta, dResidual] = outputs as [Float32Array, Float32Array, Float32Array, Float32Array];
  const summed = (actual: Float32Array, sum: Float64Array) => {
    actual.forEach((v, c) => {
      if (!(Math.abs(v - at(sum, c)) <= 1e-6 * at(sizes, c))) expect.fail(`channel ${c}: ${v} is not ${at(sum, c)}`);
    });
  };
  summed(gotGamma, dGamma);
  summed(gotBeta, dBeta);
  g.forEach((v, i) => {
    const c = i % channels;
    const scale = at(gamma, c) * at(inverse, c);
    const value = scale * (v - at(dBeta, c) / rows - (at(normal, i) * at(dGamma, c)) / rows);
    const size = Math.abs(scale) * (Math.abs(v) + ((1 + Math.abs(at(normal, i))) * at(sizes, c)) / rows);
    if (!(Math.abs(at(dx, i) - value) <= 1e-6 * size)) expect.fail(`dx[${i}]: ${at(dx, i)} is not ${value}`);
  });
  if (residual) expectAllClose(dResidual, g);
}

const variants = [
  { relu: false, residual: false },
  { relu: true, residual: false },
  { relu: false, residual: true },
  { relu: true, residual: true },
];

describe.each(variants)('BagBatchNormTraining and its gradient with %j', (options) => {
  it.each([1, 2, 3, 7, 8, 16, 17, 64, 65, 2048])('%i channels', (channels) => {
    for (const rows of channels === 2048 ? [1, 2, 9] : [1, 2, 3, 5, 67, 300]) checkTraining(rows, channels, options);
  });

  it('several threads', () => {
    checkTraining(3001, 24, options);
    // Beyond the cache; the last rows are folded with none.
    checkTraining(49_171, 33, options);
  });

  it.each([
    [1000, 0.1],
    [-300, 0.01],
    [1e4, 1],
    [0, 1e-4],
  ])('values about %d, %d apart', (centre, spread) => {
    checkTraining(500, 7, { ...options, centre, spread });
  });
});

describe('BagBatchNormTraining', () => {
  it('keeps the NaNs and infinities of a channel in that channel', () => {
    const channels = 5;
    for (const bad of [NaN, Infinity, -Infinity]) {
      for (const row of [0, 1, 19]) {
        const x = noise(20 * channels, 1);
        const clean = x.slice();
        x[row * channels + 3] = bad;
        const ones = new Float32Array(channels).fill(1);
        const attributes = { epsilon, relu: true, residual: false };
        const [y, mean, variance] = run('BagBatchNormTraining', channels, { x, gamma: ones, beta: ones }, attributes);
        const [expected] = run('BagBatchNormTraining', channels, { x: clean, gamma: ones, beta: ones }, attributes);
        expect(mean?.[3]).not.toSatisfy(Number.isFinite);
        expect(variance?.[3]).toBeNaN();
        y?.forEach((value, i) => {
          expect(value).toBe(i % channels === 3 ? NaN : expected?.[i]);
        });
      }
    }
  });

  it('gives β for constant values', () => {
    const x = new Float32Array(30).fill(1e6);
    const attributes = { epsilon, relu: false, residual: false };
    const [y, mean, variance] = run('BagBatchNormTraining', 3, { x, gamma: Float32Array.of(2, 2, 2), beta: Float32Array.of(1, 2, 3) }, attributes); // prettier-ignore
    expect(y).toEqual(Float32Array.from({ length: 30 }, (_, i) => 1 + (i % 3)));
    expect(mean).toEqual(new Float32Array(3).fill(1e6));
    expect(variance).toEqual(new Float32Array(3));
  });

  it('gives the same bits every time', () => {
    const x = noise(5000 * 12, 1);
    const ones = new Float32Array(12).fill(1);
    const once = () =>
      run('BagBatchNormTraining', 12, { x, gamma: ones, beta: ones }, { epsilon, relu: false, residual: false })[1];
    expect(once()).toEqual(once());
  });
});

describe('BagBatchNormInference', () => {
  it.each([1, 3, 7, 16, 64, 65, 2048])('%i channels', (channels) => {
    for (const { relu, residual } of variants) {
      for (const rows of [1, 2, 33]) {
        const x = noise(rows * channels, 1, 0.5, 2);
        const [gamma, beta, mean] = [noise(channels, 2, 1, 0.5), noise(channels, 3), noise(channels, 4)];
        const variance = noise(channels, 5, 1, 0.9);
        const more = residual ? noise(x.length, 6) : undefined;
        const inputs = { x, gamma, beta, mean, variance, residual: more };
        const [y] = run('BagBatchNormInference', channels, inputs, { epsilon, relu, residual });
        const expected = Array.from(x, (v, i) => {
          const c = i % channels;
          const normal = (v - at(mean, c)) / Math.sqrt(at(variance, c) + epsilon);
          const value = normal * at(gamma, c) + at(beta, c) + (more?.[i] ?? 0);
          return relu ? Math.max(0, value) : value;
        });
        expectAllClose(y ?? [], expected, { relative: 1e-6, absolute: 4e-6 });
      }
    }
  });

  it('passes NaNs on, also through the ReLU', () => {
    const one = Float32Array.of(1, 1);
    const inputs = { x: Float32Array.of(NaN, 1, Infinity, -Infinity), gamma: one, beta: one, mean: one, variance: one };
    const [y] = run('BagBatchNormInference', 2, inputs, { epsilon: 0, relu: true, residual: false });
    expect(y).toEqual(Float32Array.of(NaN, 1, Infinity, 0));
  });
});

describe('FusedBatchNorm', () => {
  const x = noise(6 * 5, 1);
  const mean = noise(5, 2);
  const variance = noise(5, 3, 1, 0.5);
  const offset = noise(5, 4);
  const scale = noise(5, 5);

  it.each([
    ['offset and scale', { offset, scale }],
    ['an offset', { offset }],
    ['a scale', { scale }],
    ['neither', {}],
  ])('with %s', (_, given: { offset?: Float32Array; scale?: Float32Array }) => {
    const { forwarded } = tf.backend() as unknown as OnednnBackend;
    forwarded.clear();
    const [y] = run('FusedBatchNorm', 5, { x, mean, variance, ...given }, { varianceEpsilon: 1e-3 });
    const expected = Array.from(x, (v, i) => {
      const normal = (v - at(mean, i % 5)) / Math.sqrt(at(variance, i % 5) + 1e-3);
      return normal * (given.scale?.[i % 5] ?? 1) + (given.offset?.[i % 5] ?? 0);
    });
    expectAllClose(y ?? [], expected, { relative: 1e-6, absolute: 1e-6 });
    expect([...forwarded]).toEqual([]);
  });

  it('takes parameters of the shape of x, and images', () => {
    tf.tidy(() => {
      const image = tf.tensor4d(noise(16, 1), [1, 2, 2, 4]);
      const whole = tf.batchNorm(image, image, tf.onesLike(image), image, undefined, 0);
      expectAllClose(whole.dataSync(), image.dataSync());
      const same = tf.batchNorm(image, tf.zeros([4]), tf.ones([4]), tf.ones([4]), tf.fill([4], 2), 0);
      expectAllClose(same.dataSync(), Array.from(noise(16, 1), (v) => 2 * v + 1), { absolute: 1e-6 }); // prettier-ignore
    });
  });
});

it('the first pixel may be far from all others', async () => {
  // Variances of a normal distribution, but for a corner that is 10⁴ away; by hand in double precision.
  const [rows, channels] = [4096, 8];
  const values = Float32Array.from({ length: rows * channels }, (_, i) => Math.sin(i * 0.7) * 2 + Math.cos(i * 1.3));
  values.fill(1e4, 0, channels);
  const x = tf.tensor4d(values, [1, 64, 64, channels]);
  const { y, mean, variance } = batchNormTraining({ x, gamma: tf.ones([channels]), beta: tf.zeros([channels]) });
  const [means, variances] = [await mean.data(), await variance.data()];
  for (let c = 0; c < channels; c++) {
    const column = Array.from({ length: rows }, (_, i) => values[i * channels + c] as number);
    const expected = column.reduce((a, b) => a + b, 0) / rows;
    const spread = column.reduce((a, b) => a + (b - expected) ** 2, 0) / rows;
    expect(Math.abs((means[c] as number) - expected)).toBeLessThan(1e-5 * Math.sqrt(spread));
    expect(Math.abs((variances[c] as number) / spread - 1)).toBeLessThan(1e-5);
  }
  tf.dispose([x, y, mean, variance]);
});
