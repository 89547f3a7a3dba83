import { describeOnBackends, expectAllClose, expectNoLeak } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sgd } from './sgd.js';

interface Goldens {
  cases: {
    momentum: number;
    nesterov: boolean;
    weightDecay: number;
    after: Record<string, { w: number[]; b: number[] }>;
  }[];
}
const { cases } = JSON.parse(readFileSync(new URL('fixtures/sgd.json', import.meta.url), 'utf8')) as Goldens;
const wave = (size: number, step: number, phase: number) =>
  Array.from({ length: size }, (_, i) => Math.sin(i * step + phase));
const parameter = (name: string, values: number[]) => ({ name, variable: tf.variable(tf.tensor1d(values)) });

describeOnBackends('sgd', () => {
  test.each(cases)(
    'a hundred steps as torch takes them: momentum $momentum, nesterov $nesterov, decay $weightDecay',
    async ({ momentum, nesterov, weightDecay, after }) => {
      const w = parameter('w', wave(6, 1.3, 0.3));
      const b = parameter('b', wave(3, 2.1, 0.3));
      const optimizer = sgd({
        parameters: [{ parameters: [w] }, { parameters: [b], weightDecay: 0, rateScale: 0.5 }],
        rate: (t) => 0.05 + 0.04 * Math.cos(t * 0.1),
        momentum,
        nesterov,
        weightDecay,
      });
      let state = optimizer.init();
      const scale = 1024;
      for (let t = 0; t < 100; t++) {
        const gradients = {
          w: tf.tensor1d(wave(6, 0.7, t * 0.9).map((g) => g * scale)),
          b: tf.tensor1d(wave(3, 0.4, t * 0.5).map((g) => g * scale)),
        };
        state = await expectNoLeak(() => optimizer.update(gradients, state, { gradientScale: 1 / scale }));
        tf.dispose(gradients);
        const expected = after[t + 1];
        if (expected !== undefined) {
          // To 1e-6 of the weights' own size: some of them pass through zero on their way.
          expectAllClose(await w.variable.data(), expected.w, { relative: 1e-6, absolute: 1e-6 });
          expectAllClose(await b.variable.data(), expected.b, { relative: 1e-6, absolute: 1e-6 });
        }
      }
      expect(state.step).toBe(100);
      optimizer.dispose(state);
      tf.dispose([w.variable, b.variable]);
    },
  );

  test('a stored state goes on exactly', async () => {
    const w = parameter('w', [1, 2]);
    const optimizer = sgd({ parameters: [w], rate: 0.1, momentum: 0.9 });
    const gradients = { w: tf.tensor1d([0.5, -1]) };
    let state = optimizer.update(gradients, optimizer.init());
    const stored = await optimizer.store(state);
    const weights = await w.variable.data();
    state = optimizer.update(gradients, state);
    const expected = await w.variable.data();
    tf.tidy(() => w.variable.assign(tf.tensor1d(weights as Float32Array)));
    const resumed = optimizer.update(gradients, optimizer.restore(stored));
    expect(await w.variable.data()).toEqual(expected);
    expect(resumed.step).toBe(2);
    for (const s of [state, resumed]) optimizer.dispose(s);
    tf.dispose([w.variable, gradients.w]);
  });

  test('an update gives the variable a buffer of its own; a skipped step changes only the step', async () => {
    const w = parameter('w', [1, 2]);
    const optimizer = sgd({ parameters: [w], rate: 0.1 });
    const gradients = { w: tf.tensor1d([0.5, -1]) };
    const before = w.variable.dataId;
    const state = optimizer.update(gradients, optimizer.init());
    expect(w.variable.dataId).not.toBe(before);
    const values = await w.variable.data();
    const skipped = optimizer.skip(state);
    expect(skipped).toEqual({ step: 2, velocities: state.velocities });
    expect(await w.variable.data()).toEqual(values);
    optimizer.dispose(skipped);
    tf.dispose([w.variable, gradients.w]);
  });
});

test('errors name the culprit', () => {
  const w = parameter('layer1.weight', [1]);
  expect(() => sgd({ parameters: [w, w], rate: 0.1 })).toThrow('layer1.weight is listed twice');
  expect(() => sgd({ parameters: [], rate: 0.1 })).toThrow('no parameters');
  expect(() => sgd({ parameters: [w], rate: 0.1, momentum: 1 })).toThrow('expected momentum in [0, 1), got 1');
  expect(() => sgd({ parameters: [w], rate: 0.1, nesterov: true })).toThrow('nesterov needs a momentum');
  expect(() => sgd({ parameters: [w], rate: 0.1, weightDecay: -1 })).toThrow('expected a weight decay ≥ 0, got -1');
  const optimizer = sgd({ parameters: [w], rate: () => NaN });
  const state = optimizer.init();
  expect(() => optimizer.update({}, state)).toThrow('no gradient for layer1.weight');
  expect(() => optimizer.rateAt(3)).toThrow('expected a rate ≥ 0, got NaN at step 3');
  const values = new Float32Array(2);
  expect(() => optimizer.restore({ step: 0, velocities: {} })).toThrow('layer1.weight is missing');
  expect(() => optimizer.restore({ step: 0, velocities: { 'layer1.weight': { shape: [2], values } } })).toThrow(
    "layer1.weight has shape [2], the network's has [1]",
  );
  expect(() => optimizer.restore({ step: 0, velocities: { other: { shape: [2], values } } })).toThrow(
    'other is no parameter of this network',
  );
});

test('what does not fit is refused before anything changes', async () => {
  await tf.setBackend('cpu');
  const [a, b] = [parameter('a', [1, 2]), parameter('b', [3])];
  const optimizer = sgd({ parameters: [a, b], rate: 1, momentum: 0.9 });
  const state = optimizer.init();
  const [good, bad] = [tf.ones([2]), tf.ones([2])];
  await expectNoLeak(() => {
    expect(() => optimizer.update({ a: good, b: bad }, state)).toThrow(
      'sgd: the gradient of b has shape [2], the parameter [1]',
    );
    const { a: velocity = good } = state.velocities;
    expect(() => optimizer.update({ a: good, b: bad }, { step: 0, velocities: { a: velocity } })).toThrow(
      'the state does not know b',
    );
  });
  expect([...(await a.variable.data())]).toEqual([1, 2]);
  expect(() => sgd({ parameters: [a, { parameters: [b] }] as never, rate: 1 })).toThrow('got both in one list');
  const [group] = sgd({
    parameters: [{ parameters: [a], weightDecay: undefined as never }],
    rate: 1,
    weightDecay: 0.5,
  }).groups;
  expect(group?.weightDecay).toBe(0.5);
  optimizer.dispose(state);
  tf.dispose([good, bad, a.variable, b.variable]);
});
