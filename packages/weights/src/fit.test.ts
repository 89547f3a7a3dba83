import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitWeights } from './fit.js';
import { expectedOf, gluonNamesOf, gluonNetworks, namesOf } from './fixtures/load.js';
import { torchWeights } from './layout.js';
import type { ExpectedParameter } from './names/step.js';
import type { StoredTensor } from './stored.js';

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** A tensor whose values tell where in which tensor they lay. */
function numbered(index: number, shape: readonly number[]): StoredTensor {
  const values = new Float32Array(size(shape));
  for (let i = 0; i < values.length; i++) values[i] = index + (i % 1000) / 1024;
  return { shape: [...shape], values };
}

/** Quicker than one assertion per element. */
function requireEqual(name: string, tensor: StoredTensor | undefined, shape: readonly number[], values: Float32Array) {
  expect(tensor?.shape, name).toEqual(shape);
  const found = tensor?.values ?? new Float32Array();
  const same = found.length === values.length && values.every((value, i) => value === found[i]);
  expect(same, `the values of ${name}`).toBe(true);
}

/** All that torchvision or timm stores for a network, counters and auxiliary heads included. */
const torchFile = (network: string, rename = (name: string) => name) =>
  Object.fromEntries(namesOf(network).map(({ name, torch }, i) => [rename(name), numbered(i, torch)]));

/** Element by element, by the meaning of the axes. */
function inOurLayout({ role, torch, ours }: { role: string; torch: number[]; ours: number[] }, index: number) {
  const from = numbered(index, torch).values;
  if (role !== 'weight') return from;
  const [a = 0, b = 0, c = 0, d = 0] = ours;
  const out = new Float32Array(size(ours));
  if (ours.length === 2) {
    for (let i = 0; i < a; i++) for (let o = 0; o < b; o++) out[i * b + o] = from[o * a + i] as number;
    return out;
  }
  const perOutput = torch[1] as number; // 1 where the filter is depthwise
  for (let y = 0; y < a; y++)
    for (let x = 0; x < b; x++)
      for (let i = 0; i < c; i++)
        for (let o = 0; o < d; o++) {
          const [output, input] = perOutput === 1 && d === 1 ? [i, 0] : [o, i];
          out[((y * b + x) * c + i) * d + o] = from[((output * perOutput + input) * a + y) * b + x] as number;
        }
  return out;
}

function requireAll(network: string, tensors: Record<string, StoredTensor>): void {
  const parameters = namesOf(network);
  const kept = parameters.filter(({ role }) => role !== '-').map(({ name }) => name);
  expect(Object.keys(tensors)).toEqual(kept);
  for (const [index, parameter] of parameters.entries()) {
    if (parameter.role === '-') continue;
    requireEqual(parameter.name, tensors[parameter.name], parameter.ours, inOurLayout(parameter, index));
  }
}

const networks = [
  'resnet18',
  'resnet50',
  'resnet50a',
  'resnet50c',
  'resnet50d',
  'resnet50s',
  'inception_v3',
  'mobilenetv1_100',
];

describe('fitWeights: names of torchvision and timm', () => {
  test.each(networks)('%s, each value at its place', (network) => {
    const { tensors } = fitWeights(torchFile(network), expectedOf(network));
    requireAll(network, tensors);
  });

  test.each(['module.', 'backbone.', 'module.model.'])('with %s before all of them', (prefix) => {
    const { tensors, notes } = fitWeights(
      torchFile('resnet18', (name) => prefix + name),
      expectedOf('resnet18'),
    );
    requireAll('resnet18', tensors);
    expect(notes).toEqual([
      `removed ${prefix} from 122 names`,
      'left out 20 tensors: num_batches_tracked',
      "transposed from PyTorch's layout",
    ]);
  });

  test("Inception's auxiliary head is left out", () => {
    const { notes } = fitWeights(torchFile('inception_v3'), expectedOf('inception_v3'));
    expect(notes).toEqual([
      'left out 96 tensors: num_batches_tracked',
      'left out 12 tensors: auxiliary heads',
      "transposed from PyTorch's layout",
    ]);
  });

  test.each(['linear', 'classifier', 'head.fc', 'output'])('the dense layer is called %s', (head) => {
    const stored = torchFile('resnet18', (name) => name.replace(/^fc\./, `${head}.`));
    const { tensors, notes } = fitWeights(stored, expectedOf('resnet18'));
    requireAll('resnet18', tensors);
    expect(notes).toContain(`took ${head} for fc`);
  });

  test("the order of the expected names does not matter to gluon's", () => {
    const { torch, lines } = gluonNamesOf('inception_v3');
    const index = new Map(namesOf(torch).map(({ name, torch: shape }, i) => [name, numbered(i, shape)]));
    const stored = Object.fromEntries(lines.map(([name, , to]) => [name, index.get(to) ?? expect.fail(to)]));
    const forwards = fitWeights(stored, expectedOf(torch)).tensors;
    const backwards = fitWeights(stored, [...expectedOf(torch)].reverse(), { head: 'fc' }).tensors;
    for (const [name, { shape, values }] of Object.entries(forwards))
      requireEqual(name, backwards[name], shape, values);
  });
});

describe("fitWeights: gluon's names", () => {
  const file = (network: string, which: 0 | 1) => {
    const { torch, lines } = gluonNamesOf(network);
    const index = new Map(namesOf(torch).map(({ name, torch: shape }, i) => [name, numbered(i, shape)]));
    const stored = lines.map((line): [string, StoredTensor] => [
      line[which],
      index.get(line[2]) ?? expect.fail(line[2]),
    ]);
    return { torch, stored: Object.fromEntries(stored) };
  };

  test.each(gluonNetworks())('structured: %s', (network) => {
    const { torch, stored } = file(network, 0);
    const { tensors, notes } = fitWeights(stored, expectedOf(torch), { layout: 'OIHW' });
    requireAll(torch, tensors);
    expect(notes.filter((note) => note.includes('gluon')).length).toBe(1);
  });

  test.each(gluonNetworks())('prefixed: %s', (network) => {
    const { torch, stored } = file(network, 1);
    const { tensors, notes } = fitWeights(stored, expectedOf(torch), { layout: 'OIHW' });
    requireAll(torch, tensors);
    expect(notes).toContain("renamed gluon's prefixed names");
  });

  test.each(gluonNetworks())("prefixed, without the network's own prefix: %s", (network) => {
    const { torch, stored } = file(network, 1);
    const stripped = Object.entries(stored).map(([name, tensor]) => [name.replace(/^[^_]+_/, ''), tensor] as const);
    requireAll(torch, fitWeights(Object.fromEntries(stripped), expectedOf(torch)).tensors);
  });

  test('the order in the file does not matter', () => {
    const { torch, stored } = file('resnet50_v1', 0);
    const backwards = Object.fromEntries(Object.entries(stored).reverse());
    requireAll(torch, fitWeights(backwards, expectedOf(torch)).tensors);
  });

  test('v1 strides elsewhere and has biases: it is refused for another variant', () => {
    expect(() => fitWeights(file('resnet50_v1', 0).stored, expectedOf('resnet50'))).toThrow(
      /^the weights do not fit: 32 superfluous \(layer1\.0\.conv1\.bias, layer1\.0\.conv3\.bias, /,
    );
  });

  test('another depth is refused', () => {
    expect(() => fitWeights(file('resnet18_v1', 0).stored, expectedOf('resnet50'))).toThrow(
      /265 missing .*features\.0\.weight/,
    );
  });
});

describe('fitWeights: what does not fit', () => {
  test('one error lists all, with counts', () => {
    const stored = torchFile('resnet50s');
    delete stored['layer1.0.conv1.weight'];
    stored['extra.weight'] = numbered(0, [3]);
    expect(() => fitWeights(stored, expectedOf('resnet50d'))).toThrow(
      'the weights do not fit: 17 missing (layer1.0.conv1.weight, layer1.0.downsample.2.weight, ' +
        'layer1.0.downsample.2.bias, layer1.0.downsample.2.running_mean, …); 17 superfluous (layer1.0.downsample.0.weight, ' +
        'layer1.0.downsample.1.bias, ',
    );
  });

  test("the wider stem of gluon's s is misshapen in a c", () => {
    expect(() => fitWeights(torchFile('resnet50s'), expectedOf('resnet50c'))).toThrow(
      '17 misshapen (conv1.0.weight [4, 3, 3, 3] for [2, 3, 3, 3], conv1.1.weight [4] for [2], ',
    );
  });

  test('a file of nothing', () => {
    expect(() => fitWeights({}, expectedOf('resnet18'))).toThrow('102 missing (conv1.weight, ');
  });

  test('two tensors that come to one name', () => {
    const stored = { 'bn.gamma': numbered(0, [2]), 'bn.weight': numbered(1, [2]) };
    expect(() => fitWeights(stored, [{ name: 'bn.weight', role: 'gamma', shape: [2] }])).not.toThrow(/undefined/);
    expect(() => fitWeights(stored, [{ name: 'x.weight', role: 'gamma', shape: [2] }])).toThrow(
      'the weights have two tensors that are bn.weight here',
    );
  });
});

describe('fitWeights: the head', () => {
  const fewer: ExpectedParameter[] = expectedOf('resnet18').map((parameter) =>
    parameter.name.startsWith('fc.') ? { ...parameter, shape: [...parameter.shape.slice(0, -1), 10] } : parameter,
  );

  test('is left out where only its classes differ, and if told to', () => {
    const fitted = fitWeights(torchFile('resnet18'), fewer, { replaceHead: true, head: 'fc' });
    expect(fitted.head).toEqual({ stored: 63, expected: 10 });
    expect(Object.keys(fitted.tensors)).toEqual(fewer.slice(0, -2).map(({ name }) => name));
    expect(() => fitWeights(torchFile('resnet18'), fewer)).toThrow(
      '2 misshapen (fc.weight [63, 32] for [10, 32], fc.bias [63] for [10]); to train another number of classes, ' +
        'pass replaceHead',
    );
  });

  test('is found by itself, under another name, in our layout', () => {
    const ours = Object.fromEntries(
      expectedOf('resnet18').map(({ name, shape }, i) => [name.replace('fc', 'linear'), numbered(i, shape)]),
    );
    const fitted = fitWeights(ours, fewer, { replaceHead: true });
    expect(fitted.head).toEqual({ stored: 63, expected: 10 });
  });

  test('is kept where it fits', () => {
    const fitted = fitWeights(torchFile('resnet18'), expectedOf('resnet18'), { replaceHead: true });
    expect(fitted.head).toBeUndefined();
    requireAll('resnet18', fitted.tensors);
  });

  test('goes if asked for where as many classes are others', () => {
    const fitted = fitWeights(torchFile('resnet18'), expectedOf('resnet18'), { replaceHead: 'always' });
    expect(fitted.head).toEqual({ stored: 63, expected: 63 });
    expect(Object.keys(fitted.tensors).filter((name) => name.startsWith('fc.'))).toEqual([]);
    expect(Object.keys(fitted.tensors)).toHaveLength(expectedOf('resnet18').length - 2);
  });

  test('of other features is refused', () => {
    const stored = { ...torchFile('resnet18'), 'fc.weight': numbered(0, [63, 31]) };
    expect(() => fitWeights(stored, fewer, { replaceHead: true })).toThrow('2 misshapen (fc.weight [63, 31]');
  });

  test('does not hide another misfit', () => {
    const stored = { ...torchFile('resnet18'), 'bn1.bias': numbered(0, [5]) };
    expect(() => fitWeights(stored, fewer, { replaceHead: true })).toThrow('1 misshapen (bn1.bias [5] for [4])');
  });
});

describe('fitWeights: the layout', () => {
  const expected: ExpectedParameter[] = [
    { name: 'stem.weight', role: 'weight', shape: [3, 3, 2, 4] },
    { name: 'square.weight', role: 'weight', shape: [3, 3, 3, 3] },
    { name: 'fc.weight', role: 'weight', shape: [3, 3] },
  ];
  const square = expected.slice(1);
  const ours = Object.fromEntries(expected.map(({ name, shape }, i) => [name, numbered(i, shape)]));

  test.each(networks)('our own file of %s is known by its shapes', (network) => {
    const stored = Object.fromEntries(expectedOf(network).map(({ name, shape }, i) => [name, numbered(i, shape)]));
    const { tensors, notes } = fitWeights(stored, expectedOf(network));
    expect(Object.keys(tensors)).toEqual(Object.keys(stored));
    for (const [name, { shape, values }] of Object.entries(stored)) requireEqual(name, tensors[name], shape, values);
    expect(notes).toEqual([]);
  });

  test('square weights follow the others', () => {
    expect(fitWeights(ours, expected).tensors).toEqual(ours);
    const torch = { ...ours, 'stem.weight': numbered(0, [4, 2, 3, 3]) };
    const fitted = fitWeights(torch, expected).tensors['square.weight']?.values;
    expect(fitted?.[1]).toBe(ours['square.weight']?.values[27]); // [0, 0, 0, 1] was [1, 0, 0, 0]
  });

  test('where nothing tells it, it must be said', () => {
    const stored = Object.fromEntries(Object.entries(ours).slice(1));
    expect(() => fitWeights(stored, square)).toThrow(
      "the shapes do not tell the weights' layout (fc.weight fits both); pass layout: 'OIHW' or 'HWIO'",
    );
    expect(fitWeights(stored, square, { layout: 'HWIO' }).tensors).toEqual(stored);
    const dense = fitWeights(stored, square, { layout: 'OIHW' }).tensors['fc.weight']?.values;
    expect([...(dense ?? [])].map((value) => Math.round((value - 2) * 1024))).toEqual([0, 3, 6, 1, 4, 7, 2, 5, 8]);
  });

  test('a file with both is refused', () => {
    const both = { ...ours, 'square.weight': numbered(1, [4, 2, 3, 3]) };
    expect(() => fitWeights(both, expected)).toThrow('1 misshapen (square.weight [4, 2, 3, 3] for [3, 3, 3, 3])');
  });

  test('the result is no view of what is stored', () => {
    for (const layout of ['OIHW', 'HWIO'] as const) {
      const stored = { b: { shape: [2], values: Float32Array.of(1, 2) } };
      const { tensors } = fitWeights(stored, [{ name: 'b', role: 'bias', shape: [2] }], { layout });
      stored.b.values.fill(0);
      expect(tensors['b']?.values).toEqual(Float32Array.of(1, 2));
    }
  });
});

describe('torchWeights', () => {
  test.each(networks)('gives back what PyTorch stores: %s', (network) => {
    const stored = torchFile(network);
    const { tensors } = fitWeights(stored, expectedOf(network));
    const roles = new Map(expectedOf(network).map(({ name, role }) => [name, role]));
    const back = torchWeights(
      Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, { ...t, role: roles.get(name) ?? '' }])),
    );
    for (const [name, { shape, values }] of Object.entries(back)) requireEqual(name, stored[name], shape, values);
    expect(Object.keys(back)).toEqual(Object.keys(tensors));
  });

  test('there and back is the identity', () => {
    const shape = fc.oneof(
      fc.tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 1, max: 20 }))),
      fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 })),
    );
    fc.assert(
      fc.property(shape, (dimensions) => {
        const w = { ...numbered(0, dimensions), role: 'weight' };
        const expected = [{ name: 'w', role: 'weight', shape: dimensions }];
        const { tensors } = fitWeights(torchWeights({ w }), expected, { layout: 'OIHW' });
        expect(tensors['w']).toEqual({ shape: dimensions, values: w.values });
      }),
    );
  });
});
