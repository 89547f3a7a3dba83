import { crossEntropy, PendingStatistics, valueAndGradients } from '@bag/ops';
import { resnet } from '@bag/resnet-variants';
import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
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

test('ResNet-50-D: no gradient’s error is more than thrice that of PyTorch’s fp32', { timeout: 180_000 }, async () => {
  await tf.setBackend('onednn');
  const { batch, size, classes } = golden;
  const network = resnet({ depth: 50, variant: 'd', classes }, { random: () => 0.5 });
  const trainable = network.parameters.filter(({ variable }) => variable.trainable);
  tf.tidy(() => {
    for (const { name, shape, variable } of trainable) variable.assign(tf.tensor(fill(name, shape), shape));
  });
  const labels = tf.tensor1d(Int32Array.from({ length: batch }, (_, i) => (i * 97) % classes));
  /** Squares of errors, relative and norm-wise, for each set of images. */
  const squares = new Map(trainable.map(({ name }) => [name, [] as number[]]));
  expect([...squares.keys()].sort()).toEqual(Object.keys(golden.tensors).sort());

  for (const [set, noiseName] of golden.images.entries()) {
    const images = tf.tensor4d(noise(noiseName, batch * size * size * 3), [batch, size, size, 3]);
    const statistics = new PendingStatistics();
    const { value, gradients } = valueAndGradients(() => {
      const logits = network.apply(images, { training: true, statistics });
      return tf.mean<tf.Scalar>(crossEntropy({ logits, labels }));
    }, trainable);
    statistics.commit();
    for (const [name, errors] of squares) {
      const { norms, products } = golden.tensors[name] as Sketch;
      const values = (await gradients[name]?.data()) as Float32Array;
      errors.push((errorNorm(name, values, products[set] as number[]) / (norms[set] as number)) ** 2);
    }
    tf.dispose([images, value, gradients] as tf.TensorContainer);
  }
  labels.dispose();
  network.dispose();

  const ratios = [...squares].map(([name, errors]) => {
    const error = Math.sqrt(errors.reduce((a, b) => a + b) / errors.length);
    return { name, ratio: error / (golden.tensors[name] as Sketch).error };
  });
  ratios.sort((a, b) => b.ratio - a.ratio);
  const [worst] = ratios as [(typeof ratios)[number]];
  expect(worst.ratio, `the error of ${worst.name}’s gradient in units of PyTorch’s`).toBeLessThanOrEqual(3);
});
