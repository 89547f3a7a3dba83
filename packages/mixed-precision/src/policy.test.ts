import { batchNormTraining, conv2d, crossEntropy, valueAndGradients } from '@bag/ops';
import { describeOnBackends, expectNoLeak } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { allFinite, policy, roundArray } from './index.js';

const wave = (shape: number[], step: number, scale = 1) =>
  tf.tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * step + 0.3) * scale),
    shape,
  );

function network() {
  const make = (name: string, tensor: () => tf.Tensor) => ({ name, variable: tf.tidy(() => tf.variable(tensor())) });
  const parameters = [
    make('conv', () => wave([3, 3, 3, 4], 1.1, 0.5)),
    make('gamma', () => tf.ones([4])),
    make('beta', () => tf.zeros([4])),
    make('conv2', () => wave([3, 3, 4, 4], 0.9, 0.5)),
    make('gamma2', () => tf.ones([4])),
    make('beta2', () => tf.zeros([4])),
    make('fc', () => wave([4, 5], 0.7)),
  ];
  const [conv, gamma, beta, conv2, gamma2, beta2, fc] = parameters.map(({ variable }) => variable as tf.Tensor);
  const seen: Record<string, tf.Tensor> = {};
  const block = (x: tf.Tensor4D, w: tf.Tensor, g: tf.Tensor, b: tf.Tensor, residual?: tf.Tensor4D) => {
    const z = conv2d(x, w as tf.Tensor4D, { padding: 1 });
    return batchNormTraining({ x: z, gamma: g as tf.Tensor1D, beta: b as tf.Tensor1D, relu: true, residual });
  };
  const apply = (x: tf.Tensor4D): tf.Tensor2D => {
    const first = block(x, conv as tf.Tensor, gamma as tf.Tensor, beta as tf.Tensor);
    const second = block(first.y, conv2 as tf.Tensor, gamma2 as tf.Tensor, beta2 as tf.Tensor, first.y);
    Object.assign(seen, { y: tf.keep(second.y.clone()), mean: tf.keep(second.mean.clone()) });
    return tf.matMul(tf.mean<tf.Tensor2D>(second.y, [1, 2]), fc as tf.Tensor2D);
  };
  return { parameters, apply, seen };
}

const isRounded = (values: Float32Array) =>
  roundArray(values.slice(), 'float16').every((v, i) => Object.is(v, values[i]));

describeOnBackends('policy', (backend) => {
  const emulated = backend !== 'onednn';
  const run = async (dtype: 'float16' | 'float32', lossScale: number, images: tf.Tensor4D) => {
    const precision = policy({ dtype });
    const { parameters, apply, seen } = network();
    const labels = tf.tensor1d([1, 2], 'int32');
    const { value, gradients } = precision.step(() =>
      valueAndGradients(() => {
        const logits = precision.autocast(() => apply(images));
        return tf.mul<tf.Scalar>(tf.mean(crossEntropy({ logits, labels })), lossScale);
      }, parameters),
    );
    const finite = await allFinite(Object.values(gradients));
    const result = {
      loss: (await value.data())[0] as number,
      gradients: Object.fromEntries(
        await Promise.all(
          Object.entries(gradients).map(async ([k, g]) => [k, (await g.data()) as Float32Array] as const),
        ),
      ),
      y: (await (seen['y'] as tf.Tensor).data()) as Float32Array,
      mean: (await (seen['mean'] as tf.Tensor).data()) as Float32Array,
      finite,
    };
    tf.dispose([value, gradients, labels, seen, ...parameters.map(({ variable }) => variable)]);
    return result;
  };

  test('activations are 16-bit; statistics, losses and the gradients of weights are not', async () => {
    const images = wave([2, 6, 6, 3], 0.5) as tf.Tensor4D;
    const half = await run('float16', 1024, images);
    const full = await run('float32', 1024, images);
    expect(isRounded(half.y)).toBe(true);
    expect(isRounded(full.y)).toBe(false);
    expect(isRounded(half.mean)).toBe(false);
    for (const name of ['conv', 'conv2', 'gamma', 'fc']) {
      expect(isRounded(half.gradients[name] as Float32Array), name).toBe(false);
      const [h, f] = [half.gradients[name], full.gradients[name]] as [Float32Array, Float32Array];
      const error = Math.hypot(...h.map((v, i) => v - (f[i] as number))) / Math.hypot(...f);
      expect(error, `relative error of ${name}`).toBeLessThan(0.02);
      expect(error, `some rounding in ${name}`).toBeGreaterThan(1e-6);
    }
    expect(Math.abs(half.loss / full.loss - 1)).toBeLessThan(0.01);
    images.dispose();
  });

  test('small gradients vanish without a loss scale and survive with one; a large one overflows', async () => {
    const images = wave([2, 6, 6, 3], 0.5) as tf.Tensor4D;
    const norm = (values: Float32Array | undefined) => Math.hypot(...(values ?? [NaN]));
    const tiny = 2 ** -22; // as if the loss were far smaller
    const exact = norm((await run('float32', tiny, images)).gradients['conv']);
    const lost = norm((await run('float16', tiny, images)).gradients['conv']);
    const kept = norm((await run('float16', tiny * 2 ** 22, images)).gradients['conv']) / 2 ** 22;
    expect(Math.abs(kept / exact - 1)).toBeLessThan(0.02);
    expect(Math.abs(lost / exact - 1)).toBeGreaterThan(0.2);
    expect((await run('float16', 2 ** 30, images)).finite).toBe(false);
    images.dispose();
  });

  test('float32 is the identity, and the engine comes back after an error', () => {
    const kernelRunner = () => Object.getOwnPropertyDescriptor(tf.engine(), 'runKernel');
    const half = policy({ dtype: 'bfloat16' });
    expect(() =>
      half.step(() => {
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect(kernelRunner()).toBeUndefined();
    policy({ dtype: 'float32' }).step(() => {
      expect(kernelRunner()).toBeUndefined();
    });
    expect(half.emulated).toBe(emulated);
    expect(half.describe()).toContain(emulated ? 'emulated' : 'stored by the engine onednn');
    expect(() => policy({ dtype: 'float64' as 'float16' })).toThrow(
      'policy: expected float32, float16 or bfloat16 (or fp32, fp16, bf16), got float64',
    );
  });

  test('leaves no tensors behind', async () => {
    const images = wave([2, 6, 6, 3], 0.5) as tf.Tensor4D;
    await expectNoLeak(() => run('float16', 1, images));
    images.dispose();
  });

  test('an engine that stores 16 bits takes over', () => {
    const backend = tf.backend() as unknown as { precision?: unknown };
    const before = backend.precision;
    const calls: string[] = [];
    backend.precision = {
      formats: ['bfloat16'],
      autocast: (format: string, f: () => unknown) => {
        calls.push(format);
        return f();
      },
    };
    try {
      const native = policy({ dtype: 'bfloat16' });
      expect(native.autocast(() => 7)).toBe(7);
      expect([native.emulated, calls, policy({ dtype: 'float16' }).emulated]).toEqual([false, ['bfloat16'], true]);
    } finally {
      if (before === undefined) delete backend.precision;
      else backend.precision = before;
    }
  });
});

describeOnBackends('policies', () => {
  const third = () => tf.fill<tf.Rank.R2>([1, 1], 1 / 3);
  const product = () => tf.tidy(() => tf.matMul(third(), tf.ones([1, 1])));
  const valueOf = async (tensor: tf.Tensor) => {
    const [value] = await tensor.data();
    tensor.dispose();
    return value;
  };
  let [half, brain] = [policy({ dtype: 'float32' }), policy({ dtype: 'float32' })];
  beforeAll(() => {
    [half, brain] = [policy({ dtype: 'float16' }), policy({ dtype: 'bfloat16' })];
  });

  test('a policy inside of another leaves the outer one in force', async () => {
    const before = await valueOf(half.autocast(product));
    const after = await valueOf(
      half.autocast(() => {
        brain.autocast(product).dispose();
        return product();
      }),
    );
    expect(before).not.toBe(Math.fround(1 / 3));
    expect(after).toBe(before);
    expect(await valueOf(product())).toBe(Math.fround(1 / 3));
  });

  test('a promise is refused, since what follows an await is out of reach', async () => {
    expect(() => half.step(() => Promise.resolve(1))).toThrow('take synchronous functions');
    expect(await valueOf(product())).toBe(Math.fround(1 / 3));
  });

  test('without a tape, rounded operands do not outlive a kernel', async () => {
    const [x, w] = [wave([1, 4, 4, 2], 0.3) as tf.Tensor4D, wave([3, 3, 2, 2], 0.7) as tf.Tensor4D];
    const y = await expectNoLeak(() => half.autocast(() => conv2d(x, w, { padding: 1 })), 1);
    tf.dispose([x, w, y]);
  });
});
