import { countMultiplyAdds, countParameters } from '@bag/network';
import type { Variant } from '@bag/resnet-variants';
import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { inceptionV3Architecture } from './inception-v3.js';
import { mobileNetArchitecture } from './mobilenet.js';
import { createModel, modelArchitecture, type ModelName, models, parseModelName } from './models.js';

const random = () => 0.5;
const path = new URL('fixtures/counts.json', import.meta.url);
const counts = JSON.parse(readFileSync(path, 'utf8')) as {
  models: { name: string; parameters: number; multiplyAdds: number }[];
};

beforeAll(() => tf.setBackend('cpu'));

const resnet = (depth: number, variant?: Variant): ModelName => ({
  kind: 'resnet',
  depth,
  family: depth < 18 || depth === 20 ? 'cifar' : 'imagenet',
  ...(variant && { variant }),
});
const inception: ModelName = { kind: 'inception-v3', family: 'imagenet' };
const mobileNet: ModelName = { kind: 'mobilenet', family: 'imagenet' };

test.each<[string, ModelName]>([
  ['resnet50', resnet(50)],
  ['resnet50a', resnet(50, 'a')],
  ['resnet18d', resnet(18, 'd')],
  ['resnet152s', { ...resnet(152, 'b'), wideStem: true } as ModelName],
  ['resnet14', resnet(14)],
  ['resnet20c', resnet(20, 'c')],
  ['inception-v3', inception],
  ['inception_v3', inception],
  ['inceptionv3', inception],
  ['mobilenet', mobileNet],
  ['mobilenet1.0', mobileNet],
  ['mobilenetv1_100', { ...mobileNet, activation: 'relu6' }],
])('the name %s', (name, expected) => {
  expect(parseModelName(name)).toEqual(expected);
});

// Neither family has 51 or 21 layers, CIFAR's no wide stem, MobileNet no other version.
test.each(['resnet51', 'resnet21', 'resnet20s', 'resnet2', 'resnet50e', 'resnet', 'mobilenet2', 'constructor'])(
  'the name %s is unknown',
  (name) => {
    expect(() => parseModelName(name)).toThrow(`unknown model ${name}; known are resnet18, `);
  },
);

test.each(counts.models)('$name: parameters and multiply-adds of torchvision’s or timm’s', (counted) => {
  const architecture = modelArchitecture({ name: counted.name });
  expect([countParameters(architecture), countMultiplyAdds(architecture)]).toEqual([
    counted.parameters,
    counted.multiplyAdds,
  ]);
});

// Parameters and GMACs, A | B | C = D; A by formula, the others as published.
test.each([
  [18, [11_689_512, 11_689_512, 11_708_744, 11_708_744], [1.81, 1.81, 2.05, 2.05]],
  [34, [21_797_672, 21_797_672, 21_816_904, 21_816_904], [3.66, 3.66, 3.9, 3.9]],
  [50, [25_575_912, 25_557_032, 25_576_264, 25_576_264], [3.86, 4.09, 4.33, 4.33]],
  [101, [44_589_800, 44_549_160, 44_568_392, 44_568_392], [7.57, 7.8, 8.04, 8.04]],
  [152, [60_252_648, 60_192_808, 60_212_040, 60_212_040], [11.28, 11.51, 11.75, 11.75]],
])('the table has ResNet-%d in every variant', (depth, parameters, gigaMultiplyAdds) => {
  const rows = models().filter(({ name }) => name === `resnet${depth}`);
  expect(rows.map(({ variant }) => variant)).toEqual(['a', 'b', 'c', 'd']);
  expect(rows.map((row) => row.parameters)).toEqual(parameters);
  expect(rows.map(({ multiplyAdds }) => Number((multiplyAdds / 1e9).toFixed(2)))).toEqual(gigaMultiplyAdds);
  for (const row of rows) expect(row).toMatchObject({ family: 'imagenet', inputSize: 224, classes: 1000 });
});

test('the table ends with the other two', () => {
  const last = models().slice(-2);
  expect(last[0]).toMatchObject({ name: 'inception-v3', parameters: 23_834_568, inputSize: 299 });
  expect(last[1]).toMatchObject({ name: 'mobilenet', parameters: 4_231_976, inputSize: 224 });
  expect(last.map(({ multiplyAdds }) => (multiplyAdds / 1e9).toFixed(2))).toEqual(['5.71', '0.57']);
});

test('every name of the table is one', () => {
  for (const { name, variant, parameters } of models()) {
    expect(countParameters(modelArchitecture({ name: `${name}${variant ?? ''}` }))).toBe(parameters);
  }
});

test('options: a name’s letter goes before the variant, and what is said of the stem before the name', () => {
  const stem = (options: Parameters<typeof modelArchitecture>[0]) =>
    modelArchitecture(options).nodes.flatMap((node) => (node.kind === 'conv' ? [node.name] : []))[0];
  expect(stem({ name: 'resnet50', variant: 'd' })).toBe('conv1.0');
  expect(stem({ name: 'resnet50b', variant: 'd' })).toBe('conv1');
  expect(stem({ name: 'resnet50d', deepStem: false })).toBe('conv1');
  expect(modelArchitecture({ name: 'mobilenet', activation: 'relu6' }).nodes[0]).toMatchObject({ activation: 'relu6' });
  expect(modelArchitecture({ name: 'inception-v3', classes: 7 })).toMatchObject({ classes: 7, head: { dropout: 0.5 } });
  expect(() => modelArchitecture({ name: 'resnet20d', shortcut: 'pad' })).toThrow("shortcut 'pad' needs a, b or c");
});

test.each([
  [{ name: 'resnet8', zeroGamma: true }, ['zero-γ: 3 of 9 BatchNorms']],
  [
    { name: 'resnet8', variant: 'c' as const },
    ['warning: variant c changes nothing on the CIFAR family, whose stem is one 3×3 convolution already'],
  ],
  [
    { name: 'resnet8c', zeroGamma: true },
    [
      'warning: variant c changes nothing on the CIFAR family, whose stem is one 3×3 convolution already',
      'zero-γ: 3 of 9 BatchNorms',
    ],
  ],
  [{ name: 'mobilenet', zeroGamma: true }, ['warning: zero-γ finds no residual block in mobilenet']],
  [{ name: 'resnet8', variant: 'd' as const }, ['average-pool shortcuts: 2']],
  [
    { name: 'mobilenet', variant: 'd' as const, deepStem: true, activation: 'relu6' as const },
    ['warning: variant changes nothing on mobilenet', 'warning: deepStem changes nothing on mobilenet'],
  ],
  [
    { name: 'resnet8', averagePoolShortcut: true, activation: 'relu' as const, shortcut: 'pad' as const },
    ['warning: activation changes nothing on resnet8', 'warning: averagePoolShortcut changes nothing on resnet8'],
  ],
  // A stem of one convolution has no width of its own.
  [
    { name: 'resnet18', shortcut: 'pad' as const, stemWidth: 32 },
    ['warning: shortcut pad changes nothing on resnet18', 'warning: stemWidth changes nothing on resnet18'],
  ],
  [
    { name: 'resnet18d', shortcut: 'projection' as const, stemWidth: 16 },
    ['deep stem: 3 convolutions of 3×3', 'average-pool shortcuts: 3'],
  ],
  [{ name: 'resnet18', deepStem: true, stemWidth: 16 }, ['deep stem: 3 convolutions of 3×3']],
])('%j tells what its options did', (options, notes) => {
  const network = createModel({ classes: 3, ...options }, { random });
  expect(network.notes).toEqual(notes);
  network.dispose();
});

test('refuses classes, widths and initialisers that are none', () => {
  expect(() => mobileNetArchitecture({ width: 1.5 })).toThrow('expected a whole number ≥ 1 for width, got 1.5');
  expect(() => mobileNetArchitecture({ classes: 0 })).toThrow('expected a whole number ≥ 1 for classes, got 0');
  expect(() => inceptionV3Architecture({ classes: 0 })).toThrow('expected a whole number of classes ≥ 1, got 0');
  expect(() => createModel({ name: 'resnet8', initializer: 'he' as never }, { random })).toThrow(
    'expected initializer xavier, kaiming or a function, got "he"',
  );
});
