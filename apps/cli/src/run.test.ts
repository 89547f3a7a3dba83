import { RunFolder } from '@bag/trainer/node';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { resolveConfig } from './config/load.js';
import { readRun } from './run.js';

test('a run from before a key was there has its default', async () => {
  const path = await mkdtemp(join(tmpdir(), 'bag-run-'));
  const { lossScale, ...older } = resolveConfig({ precision: 'fp16', epochs: 3 });
  await new RunFolder(path).writeConfig({ config: older, classes: ['cat', 'dog'] });
  const { config } = await readRun(new RunFolder(path));
  expect(config).toEqual({ ...older, lossScale });
  expect(config.lossScale).toBe('dynamic');
  await rm(path, { recursive: true });
});

test('a config.json that is none is refused by name', async () => {
  const path = await mkdtemp(join(tmpdir(), 'bag-run-'));
  for (const text of ['{}', 'null', '{"config": 3}', '{"config": null}']) {
    await writeFile(join(path, 'config.json'), text);
    await expect(readRun(new RunFolder(path))).rejects.toThrow(`${join(path, 'config.json')} has no configuration`);
  }
  await rm(path, { recursive: true });
});
