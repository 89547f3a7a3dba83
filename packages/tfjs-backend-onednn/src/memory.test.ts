import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { env } from 'node:process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { forward } from './define.js';
import { failure } from './fixtures/failure.js';
import { memory, OnednnBackend, resetPeakMemory, setMemoryLimits } from './index.js';
import { native } from './native.js';

beforeAll(async () => {
  await tf.setBackend('onednn');
});

const backend = () => tf.backend() as unknown as OnednnBackend;

/** Writes over whatever memory is free. */
function scribble(length: number): void {
  tf.dispose(Array.from({ length: 8 }, () => tf.tensor1d(new Float32Array(length).fill(-7))));
}

describe('reads', () => {
  it.each([4, 5000, 100_000])('are copies of %i values, which outlive their tensor', (length) => {
    const x = tf.tensor1d(Float32Array.from({ length }, (_, i) => i));
    const first = x.dataSync();
    first[0] = 99;
    const second = x.dataSync();
    expect(second[0]).toBe(0);
    x.dispose();
    scribble(length);
    expect(second.every((value, i) => value === i)).toBe(true);
  });

  it('keep nothing of the array that a tensor was made from', () => {
    const values = Float32Array.of(1, 2, 3);
    const x = tf.tensor1d(values);
    values[0] = 99;
    expect(x.dataSync()).toEqual(Float32Array.of(1, 2, 3));
    x.dispose();
  });

  it('of a view are empty once the tensor is gone', () => {
    const x = tf.tensor1d(new Float32Array(1000).fill(3));
    backend().blockOf(x.dataId);
    const seen = backend().data.get(x.dataId).values as Float32Array;
    expect(seen[999]).toBe(3);
    x.dispose();
    expect(seen.length).toBe(0);
  });
});

describe('results that tfjs-backend-cpu lays over its input', () => {
  const length = 50_000;

  it('a slice', () => {
    const x = tf.tensor1d(Float32Array.from({ length }, (_, i) => i));
    const info = forward('Slice', { x }, { begin: [10], size: [1000] }, backend()) as tf.TensorInfo;
    const slice = tf.engine().makeTensorFromTensorInfo(info);
    x.dispose();
    scribble(length);
    expect(slice.dataSync().every((value, i) => value === i + 10)).toBe(true);
    slice.dispose();
  });

  it('the parts of a complex tensor', () => {
    const blocks = memory().blocksInUse;
    const [a, b] = [tf.fill([length], 1), tf.fill([length], 2)];
    const z = tf.complex(a, b);
    tf.dispose([a, b]);
    scribble(length);
    const [real, imaginary] = [tf.real(z), tf.imag(z)];
    z.dispose();
    scribble(length);
    expect(real.dataSync().every((value) => value === 1)).toBe(true);
    expect(imaginary.dataSync().every((value) => value === 2)).toBe(true);
    tf.dispose([real, imaginary]);
    expect(memory().blocksInUse).toBe(blocks);
  });

  it('another shape of it, which shares the memory until the last is gone', () => {
    const x = tf.tensor1d(new Float32Array(length).fill(5));
    const { blocksInUse } = memory();
    const y = x.reshape([length / 2, 2]);
    expect(memory().blocksInUse).toBe(blocksInUse);
    x.dispose();
    scribble(length);
    expect(y.dataSync().every((value) => value === 5)).toBe(true);
    y.dispose();
    expect(memory().blocksInUse).toBe(blocksInUse - 1);
  });
});

describe('lifetime', () => {
  it('of blocks is that of tensors, over a hundred steps of training', () => {
    const counts = () => [memory().blocksInUse, memory().bytesInUse, tf.memory().numTensors];
    const before = counts();
    tf.engine().startScope();
    const filter = tf.variable(tf.randomNormal<tf.Rank.R4>([3, 3, 1, 8], 0, 0.3, 'float32', 1));
    const weight = tf.variable(tf.randomNormal<tf.Rank.R2>([32, 2], 0, 0.3, 'float32', 2));
    const x = tf.randomNormal<tf.Rank.R4>([4, 4, 4, 1], 0, 1, 'float32', 3);
    const labels = tf.tensor2d([1, 0, 0, 1, 1, 0, 0, 1], [4, 2]);
    const step = () =>
      tf.tidy(() => {
        const { value, grads } = tf.variableGrads(() => {
          const pooled = tf.maxPool(tf.relu(tf.conv2d(x, filter, 1, 'same')), 2, 2, 'valid');
          return tf.losses.softmaxCrossEntropy(labels, tf.matMul(pooled.reshape([4, 32]), weight)).asScalar();
        });
        for (const variable of [filter, weight] as tf.Variable[]) {
          const step = tf.mul(grads[variable.name] ?? 0, 0.3);
          variable.assign(tf.sub(variable, step));
        }
        return value.dataSync()[0] as number;
      });
    const first = step();
    step();
    const steady = counts();
    let last = first;
    for (let i = 0; i < 100; i++) {
      last = step();
      expect(counts()).toEqual(steady);
    }
    expect(last).toBeLessThan(first / 2);
    tf.dispose([filter, weight]);
    tf.engine().endScope();
    expect(counts()).toEqual(before);
  });

  it('of everything in a backend ends with it', () => {
    const { blocksInUse, bytesInUse } = memory();
    const another = new OnednnBackend();
    for (let i = 1; i <= 20; i++) another.write(new Float32Array(i * 1000), [i * 1000], 'float32');
    expect(memory().blocksInUse).toBe(blocksInUse + 20);
    another.dispose();
    expect(memory().blocksInUse).toBe(blocksInUse);
    expect(memory().bytesInUse).toBe(bytesInUse);
  });

  it('of blocks ends with the thread that made them', async () => {
    const { blocksInUse } = memory();
    const require = createRequire(import.meta.url);
    const { resolve: find } = require('node-gyp-build') as { resolve: (folder: string) => string };
    const workerData = env['BAG_ONEDNN_ADDON'] ?? find(dirname(dirname(fileURLToPath(import.meta.url))));
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const native = require(workerData);
      const owner = native.newOwner();
      const blocks = [0, 1, 2].map(() => native.allocate(40, owner));
      native.write(blocks[0], Float32Array.of(1, NaN));
      const tensor = (block, ...shape) => [block, 0, shape.length, ...shape];
      const list = [...tensor(blocks[1]), 1, ...tensor(blocks[0], 2)];
      native.frame.set(list);
      native.run(native.kernels.indexOf('AllFinite'), list.length);
      const result = new Float32Array(1);
      native.read(blocks[1], result);
      parentPort.once('message', () => process.exit());
      parentPort.postMessage({ result: result[0], blocks: native.memory().blocksInUse });
    `;
    const workers = [0, 1].map(() => new Worker(code, { eval: true, workerData }));
    const answers = await Promise.all(
      workers.map((worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))),
    );
    for (const answer of answers) expect(answer).toHaveProperty('result', 0);
    expect(memory().blocksInUse).toBe(blocksInUse + 6);
    await Promise.all(
      workers.map((worker) => {
        const ended = new Promise((resolve) => worker.once('exit', resolve));
        worker.postMessage('end');
        return ended;
      }),
    );
    expect(memory().blocksInUse).toBe(blocksInUse);
  });
});

describe('limits', () => {
  it('are told with the size that was asked for', () => {
    const { limit, bytesInUse, blocksInUse } = memory();
    try {
      setMemoryLimits({ inUse: bytesInUse + 2 ** 20 });
      expect(() => tf.tensor1d(new Float32Array(2 ** 20))).toThrow(RangeError);
      const error = failure(() => native.allocate(2 ** 22, 0));
      expect(error).toBeInstanceOf(RangeError);
      expect(error.code).toBe('ERR_BAG_MEMORY');
      expect(error.message).toMatch(/cannot allocate 4 MiB: \d+ MiB of \d+ MiB are in use/);
      expect(memory().blocksInUse).toBe(blocksInUse);
      tf.tensor1d(new Float32Array(1000)).dispose();
    } finally {
      setMemoryLimits({ inUse: limit });
    }
    for (const size of [2 ** 45, 2 ** 53, 1e300, Infinity]) {
      expect(failure(() => native.allocate(size, 0))).toBeInstanceOf(RangeError);
    }
  });

  it('stay what they are where they are left out', () => {
    const { limit, bytesInUse } = memory();
    try {
      setMemoryLimits({ inUse: bytesInUse + 2 ** 24 });
      setMemoryLimits({ kept: 0 });
      expect(memory().limit).toBe(bytesInUse + 2 ** 24);
      // Nothing that is freed is kept: neither now nor after the other limit changes.
      setMemoryLimits({ inUse: limit });
      setMemoryLimits({});
      const { bytesResident } = memory();
      tf.tensor1d(new Float32Array(2 ** 22)).dispose();
      expect(memory().bytesResident).toBe(bytesResident);
      expect(memory().limit).toBe(limit);
      expect(() => { setMemoryLimits({ inUse: 2 ** 20, kept: -1 }); }).toThrow(TypeError); // prettier-ignore
      expect(memory().limit).toBe(limit);
    } finally {
      setMemoryLimits({ inUse: limit, kept: limit / 2 });
    }
  });

  it('of what is kept hold at once', () => {
    const { limit } = memory();
    tf.tensor1d(new Float32Array(2 ** 22)).dispose();
    const { bytesResident } = memory();
    setMemoryLimits({ kept: 0 });
    expect(bytesResident - memory().bytesResident).toBeGreaterThanOrEqual(2 ** 24);
    setMemoryLimits({ kept: limit / 2 });
  });
});

describe('the peak', () => {
  it('is the most bytes in use since it was started anew', () => {
    tf.tensor1d(new Float32Array(2 ** 20)).dispose();
    const { bytesInUse, peakBytesInUse } = memory();
    expect(peakBytesInUse).toBeGreaterThanOrEqual(bytesInUse + 2 ** 22);
    resetPeakMemory();
    expect(memory().peakBytesInUse).toBe(bytesInUse);
    tf.tensor1d(new Float32Array(2 ** 18)).dispose();
    // A block takes its bytes and what rounds them up.
    const risen = memory().peakBytesInUse - bytesInUse;
    expect(risen).toBeGreaterThanOrEqual(2 ** 20);
    expect(risen).toBeLessThan(2 ** 20 + 2 ** 16);
  });
});
