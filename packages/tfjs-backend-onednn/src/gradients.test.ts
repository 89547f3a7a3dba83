import { crossEntropy, PendingStatistics, valueAndGradients } from '@bag/ops';
import { resnet } from '@bag/resnet-variants';
import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import './index.js';

/** What `fixtures/make-gradients.py` writes down, in double precision. */
interface Golden {
  batch: number;
  size: number;
  classes: number;
  /** For each set of images, the name of the noise that they are. */
  images: string[];
  tensors: Record<string, Sketch>;
}

interface Sketch {
  /** Of PyTorch's fp32: norm-wise, relative, the root mean square over sets of images. */
  error: number;
  /** Of the gradient, for each set of images. */
  norms: number[];
  /** Of the gradient with vectors of ±1, for each set of images. */
  products: number[][];
}

const path = new URL('fixtures/gradients.json', import.meta.url);
const golden = JSON.parse(readFileSync(path, 'utf8')) as Golden;

/** 32 bits of each position, the same as `make-gradients.py` makes: a multiplicative hash. */
function hashes(name: string, size: number): Uint32Array {
  let seed = 0;
  for (let i = 0; i < name.length; i++) seed = (Math.imul(seed, 31) + name.charCodeAt(i)) >>> 0;
  const result = new Uint32Array(size);
  for (let i = 0; i < size; i++) {
    let h = Math.imul(i, 2654435761) + seed;
    h = Math.imul(h ^ (h >>> 15), 2246822519);
    h = Math.imul(h ^ (h >>> 13), 3266489917);
    result[i] = h ^ (h >>> 16);
  }
  return result;
}

/** Numbers in [−1, 1). */
function noise(name: string, size: number): Float32Array {
  return Float32Array.from(hashes(name, size), (h) => h / 2 ** 31 - 1);
}

/** A parameter's values, as `make-gradients.py` fills it in. */
function fill(name: string, shape: number[]): Float32Array {
  const values = noise(name, tf.util.sizeFromShape(shape));
  if (shape.length === 1) return values.map((v) => (name.endsWith('bias') ? 0.1 * v : 1 + 0.2 * v));
  const [bound, inputs] = [shape.length === 4 ? 6 : 3, tf.util.sizeFromShape(shape.slice(0, -1))];
  return values.map((v) => v * Math.sqrt(bound / inputs));
}

/**
 * The norm of a gradient's error, estimated: the product of a vector with one of random ±1 is on average, in the root
 * mean square, as large as its norm.
 */
function errorNorm(name: string, gradient: Float32Array, products: number[]): number {
  // Elements whose signs agree in eight products are summed first.
  const sums = Array.from({ length: products.length / 8 }, () => new Float64Array(256));
  const bits = hashes(`${name}#`, gradient.length);
  sums.forEach((sum, byte) => {
    for (let i = 0; i < gradient.length; i++) {
      const signs = ((bits[i] as number) >>> (8 * byte)) & 255;
      sum[signs] = (sum[signs] as number) + (gradient[i] as number);
    }
  });
  const differences = products.map((expected, k) => {
    const sum = sums[k >>> 3] as Float64Array;
    return sum.reduce((product, value, signs) => product + ((signs >>> (k & 7)) & 1 ? -value : value), 0) - expected;
  });
  return Math.hypot(...differences) / Math.sqrt(products.length);
}

describe('ResNet-50-D', () => {
  const { batch, size, classes } = golden;
  let network: ReturnType<typeof resnet>;
  let trainable: (typeof network)['parameters'];
  /** Squares of errors, relative and norm-wise, for each set of images. */
  const squares = new Map<string, number[]>();

  beforeAll(async () => {
    await tf.setBackend('onednn');
    network = resnet({ depth: 50, variant: 'd', classes }, { random: () => 0.5 });
    trainable = network.parameters.filter(({ variable }) => variable.trainable);
    for (const { name } of trainable) squares.set(name, []);
    tf.tidy(() => {
      for (const { name, shape, variable } of trainable) variable.assign(tf.tensor(fill(name, shape), shape));
    });
  });
  afterAll(() => network.dispose());

  test('has the parameters of PyTorch’s', () => {
    expect([...squares.keys()].sort()).toEqual(Object.keys(golden.tensors).sort());
  });

  test.each([...golden.images.entries()])(
    'set of images %i: its gradients are near to those',
    async (set, noiseName) => {
      const images = tf.tensor4d(noise(noiseName, batch * size * size * 3), [batch, size, size, 3]);
      const labels = tf.tensor1d(Int32Array.from({ length: batch }, (_, i) => (i * 97) % classes));
      const statistics = new PendingStatistics();
      const { value, gradients } = valueAndGradients(() => {
        const logits = network.apply(images, { training: true, statistics });
        return tf.mean<tf.Scalar>(crossEntropy({ logits, labels }));
      }, trainable);
      statistics.commit();
      for (const [name, errors] of squares) {
        const { norms, products } = golden.tensors[name] as Sketch;
        const values = (await gradients[name]?.data()) as Float32Array;
        const error = errorNorm(name, values, products[set] as number[]) / (norms[set] as number);
        // That of PyTorch’s fp32 is up to 0.021, and a set of images by itself may be several times as unlucky.
        expect(error, name).toBeLessThan(0.1);
        errors.push(error ** 2);
      }
      tf.dispose([images, labels, value, gradients] as tf.TensorContainer);
    },
  );

  test('no gradient’s error is more than thrice that of PyTorch’s fp32', () => {
    const ratios = [...squares].map(([name, errors]) => {
      expect(errors, name).toHaveLength(golden.images.length);
      const error = Math.sqrt(errors.reduce((a, b) => a + b) / errors.length);
      return { name, ratio: error / (golden.tensors[name] as Sketch).error };
    });
    ratios.sort((a, b) => b.ratio - a.ratio);
    const [worst] = ratios as [(typeof ratios)[number]];
    expect(worst.ratio, `the error of ${worst.name}’s gradient in units of PyTorch’s`).toBeLessThanOrEqual(3);
  });
});
