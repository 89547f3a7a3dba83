import { expect, test } from 'vitest';
import { resolveConfig } from './config/load.js';
import type { PartialConfig } from './config/schema.js';
import { buildNetwork } from './network.js';
import { scalerOf, tricksOf } from './recipe.js';

test.each(['fp32', 'bf16'] as const)('the loss of a run in %s is not scaled', (precision) => {
  expect(scalerOf(resolveConfig({ precision }))).toBeUndefined();
  expect(scalerOf(resolveConfig({ precision, lossScale: 128 }))).toBeUndefined();
});

test('the loss scale of fp16 is dynamic, or stays where it is set', () => {
  const dynamic = scalerOf(resolveConfig({ precision: 'fp16' }));
  const start = { scale: 65536, goodSteps: 0 };
  expect(dynamic?.init()).toEqual(start);
  expect(dynamic?.update(start, false)).toEqual({ scale: 32768, goodSteps: 0 });
  const fixed = scalerOf(resolveConfig({ precision: 'fp16', lossScale: 128 }));
  expect(fixed?.init()).toEqual({ scale: 128, goodSteps: 0 });
  expect(fixed?.canBackOff({ scale: 128, goodSteps: 0 })).toBe(false);
});

test.each<[PartialConfig, string[]]>([
  [{ precision: 'fp16' }, ['loss scale: dynamic, from 65536']],
  [{ precision: 'fp16', lossScale: 128 }, ['loss scale: 128']],
  [{ precision: 'fp16', lossScale: 1 }, ['loss scale: 1, off']],
  [{ precision: 'bf16' }, []],
  [
    { precision: 'bf16', lossScale: 128 },
    ['warning: lossScale acts on fp16 only; set precision to fp16, or leave it out'],
  ],
  [
    { precision: 'fp32', lossScale: 1 },
    ['warning: lossScale acts on fp16 only; set precision to fp16, or leave it out'],
  ],
])('%j says of its loss scale %j', (part, expected) => {
  const config = resolveConfig({ model: 'resnet8' }, part);
  const network = buildNetwork(config, 2);
  const { notes } = tricksOf(config, network, undefined);
  network.dispose();
  expect(notes.filter((note) => /loss ?scale/i.test(note))).toEqual(expected);
});
