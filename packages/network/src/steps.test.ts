import { expect, test } from 'vitest';
import { convUnits, type Node } from './architecture.js';
import { conv, everyKind } from './fixtures/every-kind.js';
import { stepsOf } from './steps.js';

test('an addition is fused with the convolution before it; each value has its last use, by hand', () => {
  const told = stepsOf(everyKind).map(({ name, inputs, added, lastUses }) => [name, inputs, added?.name, lastUses]);
  expect(told).toEqual([
    ['conv1', ['images'], undefined, ['images']],
    ['maxpool', ['conv1'], undefined, ['conv1']],
    ['layer1.conv1', ['maxpool'], undefined, []],
    ['layer1', ['layer1.conv1', 'maxpool'], 'layer1.conv2', ['maxpool', 'layer1.conv1']],
    ['layer2.conv1', ['layer1'], undefined, []],
    ['layer2.pool', ['layer1'], undefined, ['layer1']],
    ['layer2.conv3', ['layer2.pool'], undefined, ['layer2.pool']],
    ['layer2', ['layer2.conv1', 'layer2.conv3'], 'layer2.conv2', ['layer2.conv1', 'layer2.conv3']],
    ['layer3.conv1', ['layer2'], undefined, []],
    ['layer3.pool', ['layer2'], undefined, ['layer2']],
    ['layer3.conv2', ['layer3.pool'], undefined, ['layer3.pool']],
    ['layer3', ['layer3.conv1', 'layer3.conv2'], undefined, ['layer3.conv1', 'layer3.conv2']],
    ['layer4.conv1', ['layer3'], undefined, []],
    ['layer4.pad', ['layer3'], undefined, ['layer3']],
    ['layer4', ['layer4.conv1', 'layer4.pad'], 'layer4.conv2', ['layer4.conv1', 'layer4.pad']],
  ]);
  expect(convUnits(everyKind)).toHaveLength(10);
});

test.each<[string, Node[]]>([
  [
    'something else takes the convolution’s value too',
    [
      conv('conv1', 'images', [3, 3], 1, { activation: 'none' }),
      { kind: 'add', name: 'sum', inputs: ['conv1', 'images'], activation: 'relu' },
      { kind: 'concat', name: 'both', inputs: ['sum', 'conv1'] },
    ],
  ],
  [
    'it is added to itself',
    [
      conv('conv1', 'images', [3, 3], 1, { activation: 'none' }),
      { kind: 'add', name: 'sum', inputs: ['conv1', 'conv1'], activation: 'relu' },
    ],
  ],
  [
    'an activation lies between',
    [conv('conv1', 'images', [3, 3], 1), { kind: 'add', name: 'sum', inputs: ['conv1', 'images'], activation: 'none' }],
  ],
  [
    'the first input is no convolution',
    [
      conv('conv1', 'images', [3, 3], 1, { activation: 'none' }),
      { kind: 'add', name: 'sum', inputs: ['images', 'conv1'], activation: 'relu' },
    ],
  ],
])('nothing is fused where %s', (_, nodes) => {
  const steps = stepsOf({ nodes });
  expect(steps.map(({ name }) => name)).toEqual(nodes.map(({ name }) => name));
  expect(steps.filter(({ added }) => added !== undefined)).toEqual([]);
});
