import { expect, test } from 'vitest';
import { type Architecture, nodeSizes } from './architecture.js';
import { countActivations, countMultiplyAdds, countParameters } from './count.js';
import { conv, everyKind } from './fixtures/every-kind.js';
import { parameterShapes } from './parameters.js';

test('the sizes of all values on 13 × 13 pixels, by hand', () => {
  const sizes = nodeSizes(everyKind, [13, 13]);
  expect([...sizes].map(([name, [height, width]]) => [name, height, width])).toEqual([
    ['images', 13, 13],
    ['conv1', 13, 13],
    // ⌊(13 + 2 − 3) / 2⌋ + 1.
    ...['maxpool', 'layer1.conv1', 'layer1.conv2', 'layer1'].map((name) => [name, 7, 7]),
    ...['layer2.conv1', 'layer2.conv2'].map((name) => [name, 4, 4]),
    // ⌈(7 − 2) / 2⌉ + 1: the last window is not full.
    ...['layer2.pool', 'layer2.conv3', 'layer2'].map((name) => [name, 4, 4]),
    ...['layer3.conv1', 'layer3.pool', 'layer3.conv2', 'layer3'].map((name) => [name, 4, 4]),
    ...['layer4.conv1', 'layer4.conv2', 'layer4.pad', 'layer4'].map((name) => [name, 2, 2]),
  ]);
  expect(nodeSizes(everyKind, [13, 6]).get('layer4')).toEqual([2, 1]);
});

test('parameters by hand', () => {
  const filters = 27 * 4 + 2 * 36 * 4 + 9 * 4 + 4 * 8 + 4 * 8 + 2 * 8 * 4 + 72 * 12 + 108 * 12;
  const gammasAndBetas = 2 * (3 * 4 + 4 + 2 * 8 + 2 * 4 + 2 * 12);
  const biases = 8;
  expect(countParameters(everyKind)).toBe(filters + gammasAndBetas + biases + 12 * 3 + 3);
  const running = parameterShapes(everyKind).filter(({ name }) => name.includes('running'));
  expect(running).toHaveLength(2 * 10);
});

test('multiply-adds and activations by hand', () => {
  const pixels = { conv1: 169, layer1: 49, layer2: 16, layer3: 16, layer4: 4 };
  const products =
    pixels.conv1 * 27 * 4 +
    pixels.layer1 * 2 * 36 * 4 +
    // Depthwise: nine products for each value.
    pixels.layer2 * (9 * 4 + 4 * 8 + 4 * 8) +
    pixels.layer3 * 2 * 8 * 4 +
    pixels.layer4 * (72 * 12 + 108 * 12);
  expect(countMultiplyAdds(everyKind)).toBe(products + 12 * 3);
  const values =
    pixels.conv1 * 4 + pixels.layer1 * 2 * 4 + pixels.layer2 * (4 + 8 + 8) + pixels.layer3 * 2 * 4 + pixels.layer4 * 24;
  expect(countActivations(everyKind)).toBe(2 * values);
  // Only of a frozen beginning nothing is saved, and only where all of it is frozen.
  const saved = (...frozen: string[]) => countActivations(everyKind, 13, frozen);
  const stem = ['conv1.weight', 'bn1.weight', 'bn1.bias'];
  expect(saved(...stem)).toBe(2 * (values - pixels.conv1 * 4));
  expect(saved(...stem.slice(1))).toBe(2 * values);
  const names = parameterShapes(everyKind).map(({ name }) => name);
  expect(saved(...names.filter((name) => name.startsWith('layer')))).toBe(2 * values);
  expect(saved(...names.filter((name) => !name.startsWith('fc')))).toBe(0);
});

test('a filter that is not square pads and counts each side by itself', () => {
  const square = conv('conv1', 'images', [3, 4], 1);
  const wide = { ...square, unit: { ...square.unit, kernel: [1, 7], padding: [0, 2] } as const };
  const architecture: Architecture = { ...everyKind, nodes: [wide], head: { ...everyKind.head, features: 4 } };
  expect(nodeSizes(architecture, [9, 9]).get('conv1')).toEqual([9, 7]);
  expect(countMultiplyAdds(architecture, 9)).toBe(63 * 7 * 3 * 4 + 4 * 3);
});

test('images that are too small, and nodes in the wrong order, are named', () => {
  const narrow: Architecture = {
    ...everyKind,
    nodes: [{ kind: 'maxPool', name: 'maxpool', inputs: ['images'], size: 3, stride: 2, padding: 0 }],
  };
  expect(() => nodeSizes(narrow, [2, 9])).toThrow(
    'every-kind: images of 2×9 pixels are too small; nothing is left at maxpool',
  );
  expect(() => countMultiplyAdds(narrow, 2)).toThrow(RangeError);
  const backwards = { ...everyKind, nodes: [...everyKind.nodes].reverse() };
  expect(() => nodeSizes(backwards, [13, 13])).toThrow('every-kind: layer4 comes before its input layer4.conv2');
});
