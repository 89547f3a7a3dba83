import { RunFolder } from '@bag/trainer/node';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { resolveConfig } from './config/load.js';
import { readRun } from './run.js';

test('a run from before a key was there has its default', async () => {
  const path = await mkdtemp(join(tmpdir(), 'bag-run-'));
  const { lossScale, freeze, orientation, ...older } = resolveConfig({ precision: 'fp16', epochs: 3 });
  await new RunFolder(path).writeConfig({ config: older, classes: ['cat', 'dog'] });
  const { config } = await readRun(new RunFolder(path));
  // Pictures used not to be turned.
  expect(config).toEqual({ ...older, lossScale, freeze, orientation: 'stored' });
  expect(orientation).toBe('exif');
  expect(config.lossScale).toBe('dynamic');
  await rm(path, { recursive: true });
});

test('a config.json that lacks anything else is refused by name', async () => {
  const path = await mkdtemp(join(tmpdir(), 'bag-run-'));
  const { model, ...incomplete } = resolveConfig({ precision: 'fp16' });
  const broken = [{}, null, { config: null }, { config: 3 }, { config: [] }, { config: {} }, { config: incomplete }];
  for (const saved of broken) {
    await writeFile(join(path, 'config.json'), JSON.stringify(saved));
    await expect(readRun(new RunFolder(path)), JSON.stringify(saved)).rejects.toThrow('model: ');
  }
  expect(model).toBeTypeOf('string');
  await rm(path, { recursive: true });
});
