import { countMultiplyAdds, countParameters, nodeSizes, parameterShapes } from '@bag/network';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { blockEnds, cifarArchitecture, imageNetArchitecture } from './architecture.js';
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

test('depths and options that do not exist are refused', () => {
  expect(() => imageNetArchitecture({ depth: 20 })).toThrow('expected a depth of 18, 34, 50, 101, 152, got 20');
  expect(() => cifarArchitecture({ depth: 21 })).toThrow('expected a depth of 6n + 2');
  expect(() => cifarArchitecture({ depth: 20, variant: 'd', shortcut: 'pad' })).toThrow(
    "shortcut 'pad' needs a, b or c",
  );
  expect(() => imageNetArchitecture({ depth: 50, deepStem: true, stemWidth: 0 })).toThrow(
    'expected a whole stemWidth ≥ 1, got 0',
  );
});

test('a network says what of C and D it has', () => {
  const random = () => 0.5;
  const notesOf = (network: ReturnType<typeof resnet>) => {
    network.dispose();
    return network.notes;
  };
  const stem = 'deep stem: 3 convolutions of 3×3';
  const shortcuts = (count: number) => `average-pool shortcuts: ${count}`;
  expect(notesOf(resnet({ depth: 50, width: 2, variant: 'b' }, { random }))).toEqual([]);
  expect(notesOf(resnet({ depth: 50, width: 2, variant: 'c' }, { random }))).toEqual([stem]);
  expect(notesOf(resnet({ depth: 50, width: 2, variant: 'd' }, { random }))).toEqual([stem, shortcuts(3)]);
  expect(notesOf(cifarResnet({ depth: 8, width: 4, variant: 'd' }, { random }))).toEqual([shortcuts(2)]);
});

test('zero-γ reaches the last BatchNorm of every block, basic blocks too, and no other', async () => {
  const random = Math.random;
  const ofStages = (counts: number[], norm: string) =>
    counts.flatMap((blocks, i) => Array.from({ length: blocks }, (_, j) => `layer${i + 1}.${j}.${norm}`));
  for (const [network, note, last] of [
    [
      cifarResnet({ depth: 8, width: 4, zeroGamma: true }, { random }),
      'zero-γ: 3 of 9 BatchNorms',
      ofStages([1, 1, 1], 'bn2'),
    ],
    [
      resnet({ depth: 50, width: 2, zeroGamma: true }, { random }),
      'zero-γ: 16 of 53 BatchNorms',
      ofStages([3, 4, 6, 3], 'bn3'),
    ],
  ] as const) {
    expect(blockEnds(network.architecture).map(({ batchNorm }) => batchNorm)).toEqual(last);
    expect(network.notes).toContain(note);
    const zeros: string[] = [];
    for (const { name, role, variable } of network.parameters) {
      if (role === 'gamma' && (await variable.data())[0] === 0) zeros.push(name);
    }
    expect(zeros).toEqual(last.map((name) => `${name}.weight`));
    network.dispose();
  }
  expect(tf.memory().numTensors).toBe(0);
});

test('C on CIFAR warns that it changes nothing', () => {
  const network = cifarResnet({ depth: 8, variant: 'c', width: 4 }, { random: Math.random });
  expect(network.notes[0]).toContain('variant c changes nothing on the CIFAR family');
  network.dispose();
});

test.each([
  [{ width: 3 }, 'expected an even width ≥ 2, got 3'],
  [{ classes: 2.5 }, 'expected a whole number of classes ≥ 1, got 2.5'],
  [{ variant: 'e' as never }, 'expected variant a, b, c or d, got "e"'],
])('refuses %j by name', (options, message) => {
  expect(() => cifarArchitecture({ depth: 8, ...options })).toThrow(message);
  expect(() => imageNetArchitecture({ depth: 18, ...options })).toThrow(message);
});

test('stages are 56, 28, 14 and 7 pixels large, as in table 1 of He et al. 2015', () => {
  const sizes = nodeSizes(imageNetArchitecture({ depth: 50, variant: 'd' }), [224, 224]);
  expect(['layer1.2', 'layer2.3', 'layer3.5', 'layer4.2'].map((name) => sizes.get(`${name}.add`))).toEqual(
    [56, 28, 14, 7].map((side) => [side, side]),
  );
  expect(sizes.get('conv1.6')).toEqual([112, 112]);
});
