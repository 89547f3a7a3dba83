import { describeOnBackends, expectAllClose, expectNoLeak } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { ema } from './ema.js';

const parameter = (values: number[]) => ({ name: 'w', variable: tf.variable(tf.tensor1d(values)) });
const assign = (w: { variable: tf.Variable }, values: number[]) => {
  tf.tidy(() => w.variable.assign(tf.tensor1d(values)));
};

describeOnBackends('ema', () => {
  test('by hand: 1 → 0.9·1 + 0.1·2 = 1.1 → 0.9·1.1 + 0.1·4 = 1.39', async () => {
    const w = parameter([1]);
    const average = ema({ parameters: [w], decay: 0.9, warmup: false });
    let state = average.init();
    assign(w, [2]);
    state = await expectNoLeak(() => average.update(state));
    assign(w, [4]);
    state = average.update(state);
    expectAllClose(await (state.averages['w'] as tf.Tensor).data(), [1.39], { relative: 1e-6 });
    average.dispose(state);
    w.variable.dispose();
  });

  test('stands in for the weights, and gives them back even after an error', async () => {
    const w = parameter([1]);
    const average = ema({ parameters: [w], decay: 0.5, warmup: false });
    let state = average.init();
    assign(w, [3]);
    state = average.update(state);
    await expectNoLeak(async () => {
      expect(await average.using(state, async () => [...(await w.variable.data())])).toEqual([2]);
      await expect(average.using(state, () => Promise.reject(new Error('stop')))).rejects.toThrow('stop');
    });
    expect([...(await w.variable.data())]).toEqual([3]);
    const restored = average.restore(await average.store(state));
    expect([...(await (restored.averages['w'] as tf.Tensor).data())]).toEqual([2]);
    for (const s of [state, restored]) average.dispose(s);
    w.variable.dispose();
  });
});

test('warmup: d(0) = 1/10, d(90) = 91/100, then d', () => {
  const average = ema({ parameters: [], decay: 0.99 });
  expect([average.decayAt(0), average.decayAt(90), average.decayAt(10_000)]).toEqual([0.1, 0.91, 0.99]);
  expect(() => ema({ parameters: [], decay: 1 })).toThrow('expected a decay in (0, 1), got 1');
});

test('a state of another network is refused before anything changes', async () => {
  await tf.setBackend('cpu');
  const [a, b] = ['a', 'b'].map((name) => ({ name, variable: tf.variable(tf.tensor1d([1])) })) as [
    { name: string; variable: tf.Variable },
    { name: string; variable: tf.Variable },
  ];
  const other = ema({ parameters: [a] }).init();
  const average = ema({ parameters: [a, b] });
  await expectNoLeak(async () => {
    expect(() => average.update(other)).toThrow('the state does not know b');
    await expect(average.using(other, () => Promise.resolve())).rejects.toThrow('the state does not know b');
  });
  tf.dispose([other.averages, a.variable, b.variable]);
});
