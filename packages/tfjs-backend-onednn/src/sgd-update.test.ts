import { expectAllClose } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { noise } from './fixtures/noise.js';
import { memory } from './index.js';
import type { SgdAttributes } from './kernels/sgd-update.js';

beforeAll(async () => {
  await tf.setBackend('onednn');
});

function run(name: string, arrays: Record<string, Float32Array>, attributes: object = {}): Float32Array[] {
  const tensorsBefore = tf.memory().numTensors;
  const blocksBefore = memory().blocksInUse;
  const inputs: tf.NamedTensorMap = {};
  for (const [key, array] of Object.entries(arrays)) inputs[key] = tf.tensor(array);
  const outputs: tf.Tensor | tf.Tensor[] = tf.engine().runKernel(name, inputs, attributes as tf.NamedAttrMap);
  const result = [outputs].flat().map((t) => t.dataSync() as Float32Array);
  for (const [key, array] of Object.entries(arrays)) {
    const now = inputs[key]?.dataSync() ?? [];
    const same = array.every((value, i) => Object.is(value, now[i]));
    expect(same, `${key} is untouched`).toBe(true);
  }
  tf.dispose([outputs, inputs] as tf.TensorContainer);
  expect(tf.memory().numTensors, 'tensors').toBe(tensorsBefore);
  expect(memory().blocksInUse, 'blocks').toBe(blocksBefore);
  return result;
}

/** torch.optim.SGD without dampening, in double precision. */
function torch(
  p: number,
  g: number,
  v: number,
  { rate, momentum, nesterov, weightDecay, gradientScale }: SgdAttributes,
) {
  const d = g * gradientScale + weightDecay * p;
  const buffer = momentum * v + d;
  return { parameter: p - rate * (nesterov ? d + momentum * buffer : buffer), velocity: buffer };
}

describe('BagSgdUpdate', () => {
  it('gives the numbers of torch', () => {
    // p = 1, g = 0.5, μ = 0.9, λ = 0.1, η = 0.1, from a velocity of 2: d = 0.6, v' = 2.4, p' = 1 − 0.1·(0.6 + 0.9·2.4)
    const attributes = { rate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.1, gradientScale: 1 };
    const arrays = { parameter: Float32Array.of(1), gradient: Float32Array.of(0.5), velocity: Float32Array.of(2) };
    const [next, velocity] = run('BagSgdUpdate', arrays, attributes);
    expectAllClose(next ?? [], [0.724], { relative: 1e-7 });
    expectAllClose(velocity ?? [], [2.4], { relative: 1e-7 });
    const [plain] = run('BagSgdUpdate', arrays, { ...attributes, nesterov: false });
    expectAllClose(plain ?? [], [0.76], { relative: 1e-7 });
  });

  it.each([1, 7, 16, 17, 1000, 40001])('%i parameters', (length) => {
    const [parameter, gradient, velocity] = [noise(length, 1), noise(length, 2), noise(length, 3)];
    for (const nesterov of [false, true]) {
      for (const momentum of [0, 0.9]) {
        for (const [weightDecay, gradientScale] of [
          [0, 1],
          [1e-4, 1 / 1024],
        ] as const) {
          const attributes = { rate: 0.3, momentum, nesterov, weightDecay, gradientScale };
          const [next, nextVelocity] = run('BagSgdUpdate', { parameter, gradient, velocity }, attributes);
          const expected = Array.from(parameter, (p, i) =>
            torch(p, gradient[i] as number, velocity[i] as number, attributes),
          );
          expectAllClose(next ?? [], expected.map((e) => e.parameter), { absolute: 2e-7 }); // prettier-ignore
          expectAllClose(nextVelocity ?? [], expected.map((e) => e.velocity), { absolute: 2e-7 }); // prettier-ignore
        }
      }
    }
  });

  it('passes NaN and ∞ on', () => {
    const attributes = { rate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0, gradientScale: 1 };
    const zeros = new Float32Array(3);
    const gradient = Float32Array.of(NaN, Infinity, -Infinity);
    const [next, velocity] = run('BagSgdUpdate', { parameter: zeros, gradient, velocity: zeros }, attributes);
    expect(next).toEqual(Float32Array.of(NaN, -Infinity, Infinity));
    expect(velocity).toEqual(gradient);
  });

  it('refuses tensors that differ in size', () => {
    const attributes = { rate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0, gradientScale: 1 };
    const blocks = memory().blocksInUse;
    expect(() => {
      tf.tidy(() => {
        const inputs = { parameter: tf.ones([3]), gradient: tf.ones([2]), velocity: tf.ones([3]) };
        tf.engine().runKernel('BagSgdUpdate', inputs, attributes);
      });
    }).toThrow('SgdUpdate: the tensors differ in size');
    expect(memory().blocksInUse).toBe(blocks);
  });
});

describe('BagAllFinite', () => {
  it('is 1 where every value is finite, the largest and the smallest included', () => {
    const extremes = Float32Array.of(3.4028234e38, -3.4028234e38, 1e-45, -0, 0);
    expect(run('BagAllFinite', { a: extremes, b: noise(50_001, 1), c: new Float32Array(0) })).toEqual([
      Float32Array.of(1),
    ]);
    expect(run('BagAllFinite', {})).toEqual([Float32Array.of(1)]);
  });

  it.each([NaN, Infinity, -Infinity])('finds a %d in any place', (bad) => {
    for (const length of [1, 2, 7, 8, 9, 16, 33]) {
      for (let i = 0; i < length; i++) {
        const array = noise(length, 1);
        array[i] = bad;
        expect(run('BagAllFinite', { array })).toEqual([Float32Array.of(0)]);
      }
    }
    for (const i of [0, 1, 24_999, 25_000, 25_001, 49_999]) {
      const array = noise(50_000, 1);
      array[i] = bad;
      expect(run('BagAllFinite', { array })).toEqual([Float32Array.of(0)]);
    }
  });

  it('finds it in any of many tensors', () => {
    for (const which of [0, 1, 160, 298, 299]) {
      const arrays: Record<string, Float32Array> = {};
      for (let n = 0; n < 300; n++) arrays[`t${n}`] = Float32Array.of(n, n === which ? NaN : 1, 2);
      expect(run('BagAllFinite', arrays)).toEqual([Float32Array.of(0)]);
    }
  });
});
