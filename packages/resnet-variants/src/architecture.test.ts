import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { cifarArchitecture, imageNetArchitecture } from './architecture.js';
import { countActivations, countMultiplyAdds, countParameters } from './count.js';
import { kaimingNormal, xavierUniform } from './initializers.js';
import { models, parseModelName } from './models.js';
import { parameterShapes } from './parameters.js';
import { cifarResnet, resnet } from './resnet.js';

// Parameters and GMACs at 224, A | B | C = D; b and d agree with timm's published table.
const published: [number, number[], number[]][] = [
  [18, [11_689_512, 11_689_512, 11_708_744, 11_708_744], [1.81, 1.81, 2.05, 2.05]],
  [34, [21_797_672, 21_797_672, 21_816_904, 21_816_904], [3.66, 3.66, 3.9, 3.9]],
  [50, [25_575_912, 25_557_032, 25_576_264, 25_576_264], [3.86, 4.09, 4.33, 4.33]],
  [101, [44_589_800, 44_549_160, 44_568_392, 44_568_392], [7.57, 7.8, 8.04, 8.04]],
  [152, [60_252_648, 60_192_808, 60_212_040, 60_212_040], [11.28, 11.51, 11.75, 11.75]],
];

describe.each(published)('ResNet-%d', (depth, parameters, gigaMultiplyAdds) => {
  test.each(['a', 'b', 'c', 'd'] as const)('%s: parameters and multiply-adds as published', (variant) => {
    const i = 'abcd'.indexOf(variant);
    const architecture = imageNetArchitecture({ depth, variant });
    expect(countParameters(architecture)).toBe(parameters[i]);
    expect(Number((countMultiplyAdds(architecture) / 1e9).toFixed(2))).toBe(gigaMultiplyAdds[i]);
    expect(models()).toContainEqual(
      expect.objectContaining({ name: `resnet${depth}`, variant, parameters: parameters[i] }),
    );
  });
});

test('CIFAR: the parameters that He et al. 2015 give for the parameter-free shortcut (table 6)', () => {
  const millions = [20, 32, 44, 56, 110].map(
    (depth) => countParameters(cifarArchitecture({ depth, shortcut: 'pad' })) / 1e6,
  );
  expect(millions.map((m) => Number(m.toFixed(m < 1 ? 2 : 1)))).toEqual([0.27, 0.46, 0.66, 0.85, 1.7]);
});

test('the count of parameters is that of the trainable tensors', () => {
  const architecture = imageNetArchitecture({ depth: 50, variant: 'a' });
  const sizes = parameterShapes(architecture)
    .filter(({ role }) => role !== 'runningMean' && role !== 'runningVariance')
    .map(({ shape }) => shape.reduce((a, b) => a * b, 1));
  expect(sizes.reduce((a, b) => a + b, 0)).toBe(countParameters(architecture));
  expect(sizes).toHaveLength(161 + 32);
});

test('names are those of torchvision and timm', () => {
  const names = (variant: 'b' | 'd') =>
    parameterShapes(imageNetArchitecture({ depth: 50, variant })).map(({ name }) => name);
  expect(names('b')).toEqual(
    expect.arrayContaining([
      'conv1.weight',
      'bn1.running_var',
      'layer1.0.downsample.0.weight',
      'layer4.2.conv3.weight',
    ]),
  );
  expect(names('d')).toEqual(
    expect.arrayContaining([
      'conv1.0.weight',
      'conv1.4.bias',
      'conv1.6.weight',
      'layer1.0.downsample.2.weight',
      'fc.bias',
    ]),
  );
});

test('model names', () => {
  expect(parseModelName('resnet50')).toEqual({ depth: 50, family: 'imagenet' });
  expect(parseModelName('resnet50d')).toEqual({ depth: 50, family: 'imagenet', variant: 'd' });
  expect(parseModelName('resnet14')).toEqual({ depth: 14, family: 'cifar' });
  expect(() => parseModelName('resnet51')).toThrow('unknown model resnet51; known are resnet18, ');
  expect(() => imageNetArchitecture({ depth: 20 })).toThrow('expected a depth of 18, 34, 50, 101, 152, got 20');
  expect(() => cifarArchitecture({ depth: 21 })).toThrow('expected a depth of 6n + 2');
  expect(() => cifarArchitecture({ depth: 20, variant: 'd', shortcut: 'pad' })).toThrow(
    "shortcut 'pad' needs a, b or c",
  );
});

test('zero-γ reaches the last BatchNorm of every block, basic blocks too, and no other', async () => {
  const random = Math.random;
  for (const [network, note] of [
    [cifarResnet({ depth: 8, width: 4, zeroGamma: true }, { random }), 'zero-γ: 3 of 9 BatchNorms'],
    [resnet({ depth: 50, width: 2, zeroGamma: true }, { random }), 'zero-γ: 16 of 53 BatchNorms'],
  ] as const) {
    expect(network.notes).toContain(note);
    const zeros: string[] = [];
    for (const { name, role, variable } of network.parameters) {
      if (role === 'gamma' && (await variable.data())[0] === 0) zeros.push(name);
    }
    const last = network.architecture.blocks.map(({ name, units }) => `${name}.bn${units.length}.weight`);
    expect(zeros).toEqual(last);
    network.dispose();
  }
  expect(tf.memory().numTensors).toBe(0);
});

test('C on CIFAR warns that it changes nothing', () => {
  const network = cifarResnet({ depth: 8, variant: 'c', width: 4 }, { random: Math.random });
  expect(network.notes[0]).toContain('variant c changes nothing on the CIFAR family');
  network.dispose();
});

test('initialisers: their variances, by hand', () => {
  let state = 1;
  const random = () => (state = (state * 16807) % 2147483647) / 2147483647;
  const variance = (values: Float32Array) => values.reduce((sum, v) => sum + v * v, 0) / values.length;
  const shape = [3, 3, 32, 64];
  // a² / 3 = 6 / (9·32 + 9·64) / 3
  expect(variance(xavierUniform(shape, random)) / (2 / (9 * 96))).toBeCloseTo(1, 1);
  const bound = Math.sqrt(6 / (9 * 96));
  expect(Math.max(...xavierUniform(shape, random))).toBeLessThanOrEqual(Math.fround(bound));
  expect(variance(kaimingNormal(shape, random)) / (2 / (9 * 64))).toBeCloseTo(1, 1);
});

test.each([
  [{ width: 3 }, 'expected an even width ≥ 2, got 3'],
  [{ classes: 2.5 }, 'expected a whole number of classes ≥ 1, got 2.5'],
  [{ variant: 'e' as never }, 'expected variant a, b, c or d, got "e"'],
])('refuses %j by name', (options, message) => {
  expect(() => cifarArchitecture({ depth: 8, ...options })).toThrow(message);
  expect(() => imageNetArchitecture({ depth: 18, ...options })).toThrow(message);
});

test('activations by hand: ResNet-8 of width 4 on 8 pixels', () => {
  // Stem and first block: 3 convolutions of 8²·4; second: two and a projection of 4²·8; third: the same of 2²·16.
  const expected = 2 * (3 * 64 * 4 + 3 * 16 * 8 + 3 * 4 * 16);
  expect(countActivations(cifarArchitecture({ depth: 8, width: 4 }), 8)).toBe(expected);
});
