import { expect, test } from 'vitest';
import { readConfigFile, resolveConfig } from './config/load.js';
import { type Plan, planOf } from './plan.js';
import { scheduleOf } from './recipe.js';
import { shippedNames } from './shipped.js';

// ImageNet-1k, and CIFAR-10.
const sizes = {
  imagenet: { classes: 1000, train: 1_281_167, validation: 50_000 },
  cifar10: { classes: 10, train: 50_000, validation: 10_000 },
};
const names = (await shippedNames()).filter((name) => !name.startsWith('demo'));

async function recipe(name: string) {
  const { config: said, paper } = await readConfigFile(name);
  const config = resolveConfig(said);
  return { config, paper, plan: planOf(config, sizes[name.split('/')[0] as keyof typeof sizes]) };
}

/** A plan without its long lists. */
function summary({ decayed, undecayed, zeroGamma, frozen, rates, rateAt, weights, warnings, ...numbers }: Plan) {
  expect([...weights, ...warnings]).toEqual([]);
  const counts = { decayed: decayed.length, undecayed: undecayed.length, zeroGamma: zeroGamma.length };
  const rounded = rateAt.map((at) => ({ ...at, rate: Number(at.rate.toPrecision(6)) }));
  return { ...numbers, ...counts, frozen: frozen.length, plotted: rates.length, rateAt: rounded };
}

test('the dry run of every recipe is as recorded', async () => {
  const plans: Record<string, unknown> = {};
  for (const name of names) {
    const { config, paper, plan } = await recipe(name);
    const { precision, labelSmoothing, mixup, distillation, colorJitter, initializer } = config;
    const tricks = {
      precision,
      labelSmoothing,
      mixup: mixup.alpha,
      teacher: distillation.teacher,
      colorJitter,
      initializer,
    };
    plans[name] = { ...(paper !== undefined && { paper }), ...tricks, ...summary(plan) };
  }
  await expect(`${JSON.stringify(plans, null, 2)}\n`).toMatchFileSnapshot('fixtures/recipes.json');
});

test("a row for each figure of the paper's tables 3 to 6", async () => {
  // Table 3, left and right; table 4 at 256 and 1024; table 5; table 6 by network. Shared cells are one recipe.
  const published = [
    ...[75.87, 77.32, 69.03, 76.21, 77.5, 71.9],
    ...[76.03, 76.19, 76.16, 76.15, 75.17, 75.93, 76.37, 76.03],
    ...[76.66, 76.87, 77.16],
    ...[77.91, 78.31, 78.67, 79.15, 79.29, 78.19, 78.4, 78.26, 78.77, 78.34, 72.83, 72.93, 71.97, 73.28, 72.51],
  ];
  const files = await Promise.all(names.map((name) => readConfigFile(name)));
  const ours = files.flatMap(({ paper }) => (typeof paper === 'number' ? [paper] : []));
  expect(ours.sort()).toEqual(published.sort());
});

test('the published log’s rate: 0.4·49/6255 for the 49th of 6255 warmup steps at batch 1024', async () => {
  const { config, plan } = await recipe('imagenet/resnet50d-cosine');
  expect(plan.stepsPerEpoch).toBe(1251);
  expect(scheduleOf(config, plan.stepsPerEpoch)(48)).toBeCloseTo((0.4 * 49) / 6255, 12);
  expect(scheduleOf(config, plan.stepsPerEpoch)(6254)).toBeCloseTo(0.4, 12);
});

test('the baseline, by hand: 256 images a step, 0.1 divided by ten at epochs 30, 60, 90 of 120, all tensors decay', async () => {
  const { config, plan } = await recipe('imagenet/resnet50-baseline');
  expect([plan.stepsPerEpoch, plan.steps, plan.parameters]).toEqual([5004, 120 * 5004, 25_575_912]);
  const rate = scheduleOf(config, plan.stepsPerEpoch);
  const epochs = [0, 29.999, 30, 60, 90, 119.9].map((epoch) => Number(rate(Math.floor(epoch * 5004)).toPrecision(6)));
  expect(epochs).toEqual([0.1, 0.1, 0.01, 0.001, 0.0001, 0.0001]);
  expect([plan.undecayed, plan.zeroGamma]).toEqual([[], []]);
  expect(config).toMatchObject({ precision: 'fp32', colorJitter: 'paper', initializer: 'xavier', weightDecay: 1e-4 });
});

test('the whole bag on ResNet-50-D, by the paper', async () => {
  const { config, plan } = await recipe('imagenet/resnet50d-mixup-distillation');
  // 3 + 48 + 4 convolutions and the dense layer; a γ and a β for each convolution, and the dense bias.
  expect([plan.decayed.length, plan.undecayed.length, plan.zeroGamma.length]).toEqual([56, 111, 16]);
  expect([plan.parameters, plan.steps]).toEqual([25_576_264, 200 * 1251]);
  expect(config).toMatchObject({
    precision: 'fp16',
    labelSmoothing: 0.1,
    mixup: { alpha: 0.2 },
    distillation: { teacher: 'imagenet/resnet152d', temperature: 20, hardWeight: 1, softWeight: 1 },
  });
});
