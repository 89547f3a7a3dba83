import { describeOnBackends, expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { constant, linear } from './index.js';
import { scheduleCallback } from './tfjs.js';

/** Every optimizer of tf.train, made with a rate that the callback must override. */
const optimizers: Record<string, () => tf.Optimizer> = {
  sgd: () => tf.train.sgd(7),
  momentum: () => tf.train.momentum(7, 0.9),
  nesterov: () => tf.train.momentum(7, 0.9, true),
  adagrad: () => tf.train.adagrad(7),
  adadelta: () => tf.train.adadelta(7),
  adam: () => tf.train.adam(7),
  adamax: () => tf.train.adamax(7),
  rmsprop: () => tf.train.rmsprop(7),
  rmspropCentered: () => tf.train.rmsprop(7, 0.9, 0.5, 1e-7, true),
};

/** y = w·x without a bias: the loss's gradient is the same whatever the optimizer. */
function model(optimizer: tf.Optimizer): { net: tf.Sequential; weight: () => Promise<number> } {
  const net = tf.sequential();
  net.add(tf.layers.dense({ units: 1, inputShape: [1], useBias: false, kernelInitializer: 'ones' }));
  net.compile({ optimizer, loss: 'meanSquaredError' });
  return { net, weight: async () => (await (net.getWeights()[0] as tf.Tensor).data())[0] as number };
}

async function fit(net: tf.Sequential, batches: number, callbacks: tf.CustomCallbackArgs, epochs = 1): Promise<void> {
  const x = tf.ones([batches, 1]);
  const y = tf.zeros([batches, 1]);
  await net.fit(x, y, { batchSize: 1, epochs, shuffle: false, yieldEvery: 'never', callbacks });
  tf.dispose([x, y]);
}

/** How far one update moves the weight when the optimizer is made with this rate and there is no callback. */
async function moveAtRate(make: () => tf.Optimizer, rate: number): Promise<number> {
  const optimizer = make();
  // What any caller may do without a schedule, each in its own way: rebuild from the configuration.
  const Class = optimizer.constructor as unknown as tf.serialization.SerializableConstructor<tf.Optimizer> & {
    fromConfig: (cls: unknown, config: tf.serialization.ConfigDict) => tf.Optimizer;
  };
  const { net, weight } = model(Class.fromConfig(Class, { ...optimizer.getConfig(), learningRate: rate }));
  await fit(net, 1, {});
  return 1 - (await weight());
}

describeOnBackends('scheduleCallback', () => {
  test('the table holds every optimizer of tf.train', () => {
    expect(new Set(Object.values(optimizers).map((make) => make().getClassName())).size).toBe(
      Object.keys(tf.train).length,
    );
  });

  test.each(Object.entries(optimizers))('%s: the first update already moves by the schedule', async (_name, make) => {
    for (const rate of [0.01, 0.002]) {
      const expected = await moveAtRate(make, rate);
      const { net, weight } = model(make());
      await fit(net, 1, scheduleCallback(constant(rate), { model: net }));
      expect(expected).toBeGreaterThan(0);
      expect(1 - (await weight())).toBeCloseTo(expected, 6);
    }
  });

  test('SGD by hand over epochs and fits: w ← w·(1 − 2η)', async () => {
    const schedule = linear({ from: 0.1, to: 0, steps: 10 });
    const { net, weight } = model(tf.train.sgd(7));
    const seen: [number, number][] = [];
    const callback = scheduleCallback(schedule, { model: net, onRate: (rate, step) => seen.push([step, rate]) });
    await fit(net, 2, callback, 2);
    await fit(net, 3, callback);
    expect(callback.step).toBe(7);
    expect(seen).toEqual(Array.from({ length: 7 }, (_, i) => [i, schedule(i)]));
    expect(await weight()).toBeCloseTo(
      seen.reduce((w, [, rate]) => w * (1 - 2 * rate), 1),
      6,
    );
  });

  test('goes on at initialStep; works with the optimizer alone, with fitDataset, and wrapped beside a tf.Callback', async () => {
    const schedule = linear({ from: 0.1, to: 0, steps: 10 });
    const sgd = tf.train.sgd(7);
    const { net, weight } = model(sgd);
    await fit(net, 1, scheduleCallback(schedule, { optimizer: sgd, initialStep: 5 }));
    expect(await weight()).toBeCloseTo(1 - 2 * 0.05, 6);
    // The layers package declares the data sets that it takes apart from those that the data package makes.
    const data = tf.data.array([{ xs: [1], ys: [0] }]).batch(1) as unknown as Parameters<typeof net.fitDataset>[0];
    const wrapped = new tf.CustomCallback(scheduleCallback(schedule, { model: net, initialStep: 6 }));
    await net.fitDataset(data, {
      epochs: 1,
      callbacks: [tf.callbacks.earlyStopping({ monitor: 'loss' }), wrapped],
    });
    expect(await weight()).toBeCloseTo((1 - 2 * 0.05) * (1 - 2 * 0.04), 6);
  });

  test('setting the rate leaves no tensor behind', async () => {
    const momentum = tf.train.momentum(7, 0.9);
    const callback = scheduleCallback(constant(0.1), { optimizer: momentum });
    await expectNoLeak(() => {
      for (let i = 0; i < 10; i++) callback.onBatchBegin();
    });
  });

  test('throws where it cannot', async () => {
    const uncompiled = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
    expect(() => {
      scheduleCallback(constant(1), { model: uncompiled }).onTrainBegin();
    }).toThrow('the model has no optimizer; call model.compile');
    expect(() => scheduleCallback(constant(1), { optimizer: {} })).toThrow(TypeError);
    expect(() => scheduleCallback(constant(1), { optimizer: {} })).toThrow('Object has neither setLearningRate()');
    expect(() => {
      const frozen = Object.freeze({ learningRate: 1 });
      scheduleCallback(constant(1), { optimizer: frozen }).onTrainBegin();
    }).toThrow('cannot be set');
    expect(() => scheduleCallback(constant(1), {})).toThrow('expected either model or optimizer');
    expect(() => scheduleCallback(constant(1), { optimizer: tf.train.sgd(1), initialStep: -1 })).toThrow(
      'scheduleCallback: expected integer initialStep >= 0, got -1',
    );
    const { net, weight } = model(tf.train.sgd(7));
    const bad = scheduleCallback((step) => (step < 1 ? 0.1 : NaN), { model: net });
    await expect(fit(net, 3, bad)).rejects.toThrow('the schedule gave NaN at step 1');
    expect(await weight()).toBeCloseTo(0.8, 6);
  });

  test('says how to pass it where fit would misuse it', async () => {
    const { net } = model(tf.train.sgd(7));
    const list = [tf.callbacks.earlyStopping(), scheduleCallback(constant(1), { model: net })];
    await expect(fit(net, 1, list as unknown as tf.CustomCallbackArgs)).rejects.toThrow('new tf.CustomCallback');
  });
});
