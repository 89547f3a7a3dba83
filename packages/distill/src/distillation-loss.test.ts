import { describeOnBackends, expectAllClose, expectNoLeak } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as exports from './index.js';
import { distillationDivergence, distillationLoss, gluonWeights, teacher } from './index.js';

interface Golden {
  scale: number;
  temperature: number;
  hardWeight: number;
  softWeight: number;
  labels: number[];
  soft: boolean;
  loss: number;
  gradient: number[];
  divergence: number;
  divergenceGradient: number[];
}
const path = new URL('fixtures/distillation.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(path, 'utf8')) as { cases: Golden[] };
const [B, K] = [4, 5];
const wave = (step: number, scale: number) =>
  tf.tensor2d(
    Array.from({ length: B * K }, (_, i) => Math.sin(i * step + 0.3) * scale),
    [B, K],
  );

describeOnBackends('distillationLoss', () => {
  test.each(cases)(
    'as torch: logits ±$scale, T $temperature, weights $hardWeight and $softWeight, soft labels $soft',
    async ({ scale, temperature, hardWeight, softWeight, labels: given, soft, loss, gradient }) => {
      const [z, r] = [wave(1.1, scale), wave(0.7, scale)];
      const labels = soft ? tf.tensor2d(given, [B, K]) : tf.tensor1d(given, 'int32');
      const f = (studentLogits: tf.Tensor) =>
        distillationLoss({
          studentLogits: studentLogits as tf.Tensor2D,
          teacherLogits: r,
          labels,
          temperature,
          hardWeight,
          softWeight,
        });
      const { value, grad } = await expectNoLeak(() => tf.valueAndGrad(f)(z), 2);
      expectAllClose(await value.data(), [loss], { relative: 1e-5 });
      const largest = Math.max(...gradient.map(Math.abs));
      expectAllClose(await grad.data(), gradient, { absolute: 1e-5 * Math.max(largest, 0.1) });
      tf.dispose([z, r, labels, value, grad]);
    },
  );

  test('no gradient flows into the teacher, even where one is asked for', async () => {
    const [z, r] = [wave(1.1, 1), wave(0.7, 1)];
    const labels = tf.tensor1d([0, 1, 2, 3], 'int32');
    const [, dr] = tf.grads((studentLogits, teacherLogits) =>
      distillationLoss({
        studentLogits: studentLogits as tf.Tensor2D,
        teacherLogits: teacherLogits as tf.Tensor2D,
        labels,
      }),
    )([z, r]);
    expect((await (dr as tf.Tensor).data()).every((v) => v === 0)).toBe(true);
  });

  test('both weights 0: the loss is exactly 0', async () => {
    const z = wave(1.1, 1);
    const off = { labels: tf.tensor1d([0, 1, 2, 3], 'int32'), hardWeight: 0, softWeight: 0 };
    const loss = await expectNoLeak(() => distillationLoss({ studentLogits: z, teacherLogits: z, ...off }), 1);
    expect([...(await loss.data())]).toEqual([0]);
    expect([loss.dtype, loss.shape]).toEqual(['float32', []]);
  });
});

describeOnBackends('distillationDivergence', () => {
  test.each(cases)('as torch: logits ±$scale, T $temperature', async (golden) => {
    const { scale, temperature, divergence, divergenceGradient } = golden;
    const [z, r] = [wave(1.1, scale), wave(0.7, scale)];
    const f = (studentLogits: tf.Tensor) =>
      distillationDivergence({ studentLogits: studentLogits as tf.Tensor2D, teacherLogits: r, temperature });
    const { value, grad } = await expectNoLeak(() => tf.valueAndGrad(f)(z), 2);
    // It is a small difference of large logarithms: T² times the last bits of log K.
    expectAllClose(await value.data(), [divergence], { relative: 1e-5, absolute: 2e-7 * temperature ** 2 });
    const largest = Math.max(...divergenceGradient.map(Math.abs));
    expectAllClose(await grad.data(), divergenceGradient, { absolute: 1e-5 * Math.max(largest, 0.1) });
    tf.dispose([z, r, value, grad]);
  });

  test('is 0 where student and teacher agree, also up to a constant, and so is its gradient', async () => {
    const z = wave(1.1, 3);
    const { value, grad } = tf.valueAndGrad((logits) =>
      distillationDivergence({ studentLogits: logits as tf.Tensor2D, teacherLogits: tf.add(z, 2) }),
    )(z);
    expectAllClose(await value.data(), [0], { absolute: 1e-4 });
    expectAllClose(await grad.data(), new Float32Array(B * K), { absolute: 1e-6 });
  });

  test('its gradient is that of the soft term of distillationLoss', async () => {
    const [studentLogits, teacherLogits] = [wave(1.1, 5), wave(0.7, 5)];
    const labels = tf.tensor1d([0, 1, 2, 3], 'int32');
    const divergence = tf.grad((z) => distillationDivergence({ studentLogits: z as tf.Tensor2D, teacherLogits }));
    const soft = tf.grad((z) =>
      distillationLoss({ studentLogits: z as tf.Tensor2D, teacherLogits, labels, hardWeight: 0 }),
    );
    expectAllClose(await divergence(studentLogits).data(), await soft(studentLogits).data(), { absolute: 1e-6 });
  });
});

describeOnBackends('teacher', () => {
  test('a function and a network in inference mode; nothing else is kept', async () => {
    const images = tf.ones<tf.Rank.R4>([2, 3, 3, 1]);
    let training: boolean | undefined = true;
    const network = {
      apply: (x: tf.Tensor4D, options: { training: false }) => {
        training = options.training;
        return tf.add<tf.Tensor2D>(tf.mean(x, [1, 2]), 1);
      },
    };
    for (const one of [teacher(network), teacher((x) => network.apply(x, { training: false }))]) {
      const logits = await expectNoLeak(() => one.logits(images), 1);
      expect([...(await logits.data())]).toEqual([2, 2]);
      expect(training).toBe(false);
      logits.dispose();
    }
  });
});

test('gluon’s weighting, and every export is tested here', () => {
  expect(gluonWeights()).toEqual({ hardWeight: 0.5, softWeight: 0.5 });
  expect(gluonWeights(0.25)).toEqual({ hardWeight: 0.25, softWeight: 0.75 });
  expect(() => gluonWeights(2)).toThrow('expected w in [0, 1], got 2');
  expect(Object.keys(exports).sort()).toEqual([
    'distillationDivergence',
    'distillationLoss',
    'gluonWeights',
    'teacher',
  ]);
});

test('errors name the culprit', () => {
  const z = wave(1, 1);
  const labels = tf.tensor1d([0, 1, 2, 3], 'int32');
  const teacherLogits = tf.zeros<tf.Rank.R2>([4, 7]);
  expect(() => distillationLoss({ studentLogits: z, teacherLogits, labels })).toThrow(
    "the teacher's logits have shape [4, 7], the student's [4, 5]",
  );
  expect(() => distillationLoss({ studentLogits: z, teacherLogits: z, labels: tf.tensor1d([1]) })).toThrow(
    'expected labels of shape [4] int32 or [4, 5] float32, got [1] float32',
  );
  expect(() => distillationLoss({ studentLogits: z, teacherLogits: z, labels, temperature: 0 })).toThrow(
    'expected temperature > 0, got 0',
  );
  expect(() => distillationDivergence({ studentLogits: z, teacherLogits })).toThrow(
    "distillationDivergence: the teacher's logits have shape [4, 7], the student's [4, 5]",
  );
  expect(() => distillationDivergence({ studentLogits: z, teacherLogits: z, temperature: -1 })).toThrow(
    'distillationDivergence: expected temperature > 0, got -1',
  );
  expect(() => distillationLoss({ studentLogits: z, teacherLogits: z, labels, hardWeight: -1 })).toThrow(
    'expected hardWeight ≥ 0, got -1',
  );
});

test('no gradient reaches soft labels, and a label that is no class makes the loss NaN', async () => {
  await tf.setBackend('cpu');
  const z = wave(1.1, 1);
  const soft = tf.tidy(() => tf.softmax(wave(0.7, 1)));
  const gradient = tf.grad((labels) =>
    distillationLoss({ studentLogits: z, teacherLogits: z, labels: labels as tf.Tensor2D, softWeight: 0 }),
  )(soft);
  expect((await gradient.data()).every((v) => v === 0)).toBe(true);
  const labels = tf.tensor1d([0, 1, 2, 5], 'int32');
  const loss = distillationLoss({ studentLogits: z, teacherLogits: z, labels });
  expect(await loss.data()).toEqual(Float32Array.of(NaN));
  tf.dispose([z, soft, gradient, labels, loss]);
});
