import * as tf from '@tensorflow/tfjs';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { failure } from './fixtures/failure.js';
import { onednn } from './fixtures/onednn.js';
import { info } from './index.js';
import { native } from './native.js';

beforeAll(async () => {
  await tf.setBackend('onednn');
});

describe('the native interface', () => {
  const kernel = (name: string) => native.kernels.indexOf(name);
  const runWith = (name: string, list: number[]) => {
    native.frame.set(list);
    native.run(kernel(name), list.length);
  };
  const blocks: number[] = [];
  const block = (length: number) => {
    const id = native.allocate(length * 4, 0);
    native.write(id, new Float32Array(length).fill(0.5));
    blocks.push(id);
    return id;
  };
  const tensor = (id: number, ...shape: number[]) => [id, 0, shape.length, ...shape];
  const release = () => {
    for (const id of blocks.splice(0)) native.free(id);
  };

  it('refuses what is no block', () => {
    const freed = native.allocate(64, 0);
    native.free(freed);
    for (const id of [freed, 0, -1, NaN, Infinity, 2 ** 53, 1e300]) {
      for (const call of [
        () => {
          native.free(id);
        },
        () => {
          native.read(id, new Float32Array(1));
        },
        () => {
          native.write(id, new Float32Array(1));
        },
        () => native.view(id),
      ]) {
        expect(failure(call).code).toBe('ERR_BAG_DISPOSED');
      }
      expect(failure(() => { runWith('AllFinite', [...tensor(id)]); }).message).toMatch(/^AllFinite: /); // prettier-ignore
    }
  });

  it('refuses arguments of the wrong kind', () => {
    const any = native as unknown as Record<string, (...values: unknown[]) => unknown>;
    const id = block(4);
    for (const [name, ...values] of [
      ['allocate'],
      ['allocate', 'many', 0],
      ['allocate', -1, 0],
      ['allocate', NaN, 0],
      ['free'],
      ['free', {}],
      ['read', id, [1, 2]],
      ['read', id, new Float32Array(5)],
      ['write', id, new Float64Array(3)],
      ['write', id],
      ['run', -1, 0],
      ['run', NaN, 0],
      ['run', native.kernels.length, 0],
      ['run', 0, -1],
      ['run', 0, native.frame.length + 1],
      ['run', 0, NaN],
      ['setLimits', -1, 0],
      ['setThreads', 0],
      ['setThreads', NaN],
    ] as [string, ...unknown[]][]) {
      expect(failure(() => any[name]?.(...values))).toBeInstanceOf(TypeError);
    }
    release();
  });

  it('refuses shapes that do not fit their memory', () => {
    const [id, result] = [block(6), block(1)];
    const list = (...shape: number[]) => [...tensor(result), 1, ...tensor(id, ...shape)];
    runWith('AllFinite', list(2, 3));
    for (const shape of [[7], [2, 4], [-1], [0.5], [NaN], [2 ** 40, 2 ** 40], [2 ** 53], [1, 1, 1, 1, 1, 1, 1, 1, 1]]) {
      const error = failure(() => { runWith('AllFinite', list(...shape)); }); // prettier-ignore
      expect(error).toBeInstanceOf(TypeError);
      expect(error.code).toBe('ERR_BAG_ARGUMENT');
    }
    release();
  });

  /** Arguments that are right for the kernels that TensorFlow.js has no function of, and some more. */
  const written = (dtype = 0): [string, number[]][] => {
    const stored = (id: number, ...shape: number[]) => [id, dtype, shape.length, ...shape];
    const x = stored(block(32), 1, 4, 4, 2);
    const filter = stored(block(54), 3, 3, 2, 3);
    const y = stored(block(12), 1, 2, 2, 3);
    const geometry = [2, 1, 1, 2, 1, 1, 2, 0, 0, 0];
    const pooled = stored(block(8), 1, 2, 2, 2);
    const windows = [2, 2, 0, 2, 2, 0];
    const like = () => stored(block(32), 1, 4, 4, 2);
    const vector = () => tensor(block(2), 2);
    const product = stored(block(6), 1, 2, 3);
    // Activations are of float32.
    const activation = dtype === 0 ? 1 : 0;
    // As many tiles and channels as Winograd's algorithm wants.
    const images = () => tensor(block(8 * 16 * 16 * 16), 8, 16, 16, 16);
    const square = () => tensor(block(9 * 16 * 16), 3, 3, 16, 16);
    const depthwise = () => tensor(block(9 * 16), 3, 3, 16, 1);
    const padded = [2, 1, 1, 2, 1, 1, 2, 1, 1, 0];
    const direct = {
      AllFinite: [...tensor(block(1)), 1, ...x],
      RoundTo: [...vector(), ...vector(), 1],
      Widen: [block(1), 3, 1, 2, ...vector()],
      Narrow: [...vector(), block(1), 4, 1, 2],
      CrossEntropy: [...tensor(block(6), 2, 3), ...tensor(block(6), 2, 3), 1, 0.1, ...vector(), ...vector()],
      CrossEntropyGradient: [...vector(), ...tensor(block(6), 2, 3), ...tensor(block(6), 2, 3), 1, 0.1, ...vector(), ...tensor(block(6), 2, 3)], // prettier-ignore
      Convolution: [...x, ...filter, 1, ...tensor(block(3), 3), ...y, ...geometry, activation, 0],
      ConvolutionInputGradient: [...y, ...filter, ...like(), ...geometry],
      ConvolutionFilterGradient: [...x, ...y, ...tensor(block(54), 3, 3, 2, 3), ...geometry],
      MatMul: [...stored(block(8), 1, 2, 4), ...stored(block(12), 1, 4, 3), 1, ...tensor(block(3), 3), ...product, 0, 0, activation, 0], // prettier-ignore
      BatchNormTraining: [...x, ...vector(), ...vector(), 1, ...like(), ...like(), ...vector(), ...vector(), 1e-5, 1],
      BatchNormTrainingGrad: [...like(), ...x, ...vector(), ...vector(), ...vector(), ...vector(), 1, ...like(), ...like(), ...vector(), ...vector(), 1, ...like(), 1e-5, 1], // prettier-ignore
      BatchNormInference: [...x, 1, ...vector(), 1, ...vector(), 0, ...vector(), ...vector(), ...like(), 1e-5, 1],
      SgdUpdate: [...x, ...like(), ...like(), ...like(), ...like(), 1, block(32), 3, 1, 32, 0.1, 0.9, 1e-4, 1, 1],
      RunningStatistics: [...vector(), ...vector(), ...vector(), ...vector(), ...vector(), ...vector(), 0.1, 1.5],
      MaxPool: [...x, ...pooled, ...windows],
      MaxPoolWithArgmax: [...x, ...pooled, block(8), 1, 4, 1, 2, 2, 2, ...windows, 1],
      MaxPoolGrad: [...pooled, ...x, ...like(), ...windows],
      AvgPool: [...x, ...pooled, ...windows, 0, 0, 1, 1],
      GlobalAveragePoolGrad: [...vector(), ...like()],
      AvgPoolGrad: [...pooled, ...like(), ...windows, 0, 0, 1, 1],
    };
    if (dtype !== 0) {
      const products = dtype === 3 && info().halves.bfloat16.computedBy !== null ? 'Convolution|MatMul|' : '';
      return Object.entries(direct).filter(([name]) => new RegExp(`${products}BatchNorm|Pool`).test(name));
    }
    return [
      ...Object.entries(direct),
      ['Convolution', [...images(), ...square(), 0, ...images(), ...padded, 1, 0]],
      ['ConvolutionInputGradient', [...images(), ...square(), ...images(), ...padded]],
      ['ConvolutionFilterGradient', [...images(), ...images(), ...square(), ...padded]],
      ['Convolution', [...images(), ...depthwise(), 0, ...images(), ...padded.slice(0, -1), 1, 1, 0]],
      ['ConvolutionInputGradient', [...images(), ...depthwise(), ...images(), ...padded.slice(0, -1), 1]],
      ['ConvolutionFilterGradient', [...images(), ...images(), ...depthwise(), ...padded.slice(0, -1), 1]],
    ];
  };

  /** The arguments with which `f` calls kernels; their tensors stay. */
  const recorded = (f: () => void): [string, number[]][] => {
    const calls: Record<string, number[]> = {};
    const run = native.run.bind(native);
    const spy = vi.spyOn(native, 'run').mockImplementation((number, count) => {
      run(number, count);
      calls[native.kernels[number] as string] = Array.from(native.frame.subarray(0, count));
    });
    try {
      f();
    } finally {
      spy.mockRestore();
    }
    return Object.entries(calls);
  };

  const ofTensorFlow = () => {
    const kernel = (name: string, inputs: tf.NamedTensorMap, attributes = {}) =>
      tf.engine().runKernel(name, inputs, attributes);
    const x = tf.tensor1d([0.25, 0.5, -0.75, 0.9]);
    const matrix = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
    const images = tf.ones<tf.Rank.R4>([1, 4, 4, 2]);
    const [i, b] = [x.toInt(), x.toBool()];
    const indices = tf.tensor2d([[1], [0]], [2, 1], 'int32');
    for (const name of native.kernels.slice(native.kernels.indexOf('Abs'), native.kernels.indexOf('ClipByValue'))) {
      kernel(name, { x }, { alpha: 0.5 });
    }
    for (const name of native.kernels.slice(native.kernels.indexOf('Add'), native.kernels.indexOf('LogicalAnd'))) {
      if (!['AddN', 'BitwiseAnd', 'Prelu', 'EluGrad'].includes(name)) kernel(name, { a: x, b: x });
    }
    kernel('BitwiseAnd', { a: i, b: i });
    kernel('Prelu', { x, alpha: x });
    kernel('EluGrad', { dy: x, y: x });
    tf.addN([x, x, x]);
    tf.logicalAnd(b, b);
    tf.logicalOr(b, b);
    tf.logicalNot(b);
    tf.argMax(matrix, 1);
    tf.concat([matrix, matrix], 1);
    tf.split(matrix, 3, 1);
    tf.cumsum(matrix, 1);
    tf.gather(matrix, indices, 1);
    tf.gatherND(matrix, indices);
    tf.oneHot(i, 3);
    tf.pad(matrix, [[1, 0], [0, 2]]); // prettier-ignore
    tf.mirrorPad(matrix, [[1, 0], [0, 2]], 'reflect'); // prettier-ignore
    tf.sum(matrix, 0);
    tf.image.resizeBilinear(images, [3, 5]);
    tf.image.resizeNearestNeighbor(images, [3, 5]);
    kernel('ResizeBilinearGrad', { dy: images, images: tf.ones([1, 2, 3, 2]) }, { alignCorners: false });
    tf.scatterND(indices, tf.ones([2]), [3]);
    tf.tensorScatterUpdate(matrix, indices, matrix);
    tf.unsortedSegmentSum(matrix, tf.tensor1d([1, 0], 'int32'), 2);
    tf.where(b, x, x);
    tf.cast(x, 'int32');
    tf.fill([2, 2], 3);
    tf.slice(matrix, [0, 1], [2, 2]);
    tf.diag(x);
    tf.softmax(matrix);
    tf.tile(matrix, [2, 1]);
    tf.topk(matrix, 2);
    tf.transpose(matrix);
    tf.clipByValue(x, 0, 0.5);
  };

  const in16Bits = () => {
    const half = <T extends tf.Tensor>(x: T) =>
      tf.engine().makeTensorFromTensorInfo(onednn().asHalf(x, 'bfloat16')) as T;
    const [x, matrix] = [half(tf.tensor1d([0.25, 0.5, -0.75, 0.9])), half(tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]))];
    const indices = tf.tensor2d([[1], [0]], [2, 1], 'int32');
    tf.relu(x);
    tf.add(x, x);
    tf.addN([x, x, x]);
    tf.where(tf.greater(x, x), x, x);
    tf.cast(x, 'int32');
    tf.clipByValue(x, 0, 0.5);
    tf.concat([matrix, matrix], 1);
    tf.split(matrix, 3, 1);
    tf.gather(matrix, indices, 1);
    tf.gatherND(matrix, indices);
    tf.pad(matrix, [[1, 0], [0, 2]]); // prettier-ignore
    tf.mirrorPad(matrix, [[1, 0], [0, 2]], 'reflect'); // prettier-ignore
    tf.sum(matrix, 0);
    tf.slice(matrix, [0, 1], [2, 2]);
    tf.diag(x);
    tf.tile(matrix, [2, 1]);
    tf.transpose(matrix);
  };

  const valid = () => [...recorded(ofTensorFlow), ...recorded(in16Bits), ...[0, 3, 4].flatMap(written)];

  it('refuses too few arguments', () => {
    tf.engine().startScope();
    const kernels = valid();
    expect(new Set(kernels.map(([name]) => name))).toEqual(new Set(native.kernels));
    for (const [name, list] of kernels) {
      runWith(name, list);
      for (let length = 0; length < list.length; length++) {
        const error = failure(() => { runWith(name, list.slice(0, length)); }); // prettier-ignore
        expect(error).toBeInstanceOf(TypeError);
        expect(error.message.startsWith(name)).toBe(true);
      }
    }
    tf.engine().endScope();
    release();
  });

  it('survives any arguments', () => {
    tf.engine().startScope();
    const kernels = valid();
    const numbers = fc.constantFrom(NaN, Infinity, -1, 0, 1, 2, 3, 4, 5, 7, 9, 0.5, 1e6, 2 ** 20, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 53, -(2 ** 53), 1e300); // prettier-ignore
    fc.assert(
      fc.property(
        fc.nat(kernels.length - 1),
        fc.array(fc.tuple(fc.nat(), numbers), { minLength: 1, maxLength: 4 }),
        (which, changes) => {
          const [name, list] = kernels[which] as [string, number[]];
          const changed = list.slice();
          for (const [place, value] of changes) changed[place % list.length] = value;
          try {
            runWith(name, changed);
          } catch (error) {
            expect(error).toHaveProperty('code', expect.stringMatching(/^ERR_BAG/));
          }
        },
      ),
      { numRuns: 30_000, seed: 5 },
    );
    // Still alive, and right.
    for (const [name, list] of kernels) runWith(name, list);
    tf.engine().endScope();
    release();
  });
});
