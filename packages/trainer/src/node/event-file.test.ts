import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import golden from '../fixtures/events.json' with { type: 'json' };
import { EventFile } from './event-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bag-events-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

test("equals what TensorBoard's own writer makes, byte by byte", async () => {
  const events = await EventFile.create(folder, { fromStep: 300, time: 1700000000250 });
  await events.scalars(5_000_000_000, { 'loss/training': 0.1, 'rate, η': -2.5e-30 }, 1700000001500);
  expect((await readFile(events.path)).toString('base64')).toBe(golden.base64);
});

// `.ci/run` installs it; CONTRIBUTING.md says how.
const python = fileURLToPath(new URL('../../../../.cache/tensorboard/bin/python', import.meta.url));

test.runIf(existsSync(python))("TensorBoard's own reader sees each step of a resumed run once", async () => {
  const first = await EventFile.create(folder, { time: 1700000000000 });
  for (const step of [1, 2, 3, 4, 5]) await first.scalars(step, { loss: step });
  // From the checkpoint after step 3.
  const second = await EventFile.create(folder, { fromStep: 4, time: 1700000009000 });
  for (const step of [4, 5, 6]) await second.scalars(step, { loss: step + 0.5 });
  const program = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1]).Reload()
print(json.dumps([[one.step, one.value] for one in events.Scalars("loss")]))`;
  const { stdout, stderr } = spawnSync(python, ['-c', program, folder], { encoding: 'utf8' });
  expect(stdout, stderr).not.toBe('');
  expect(JSON.parse(stdout)).toEqual([
    [1, 1],
    [2, 2],
    [3, 3],
    [4, 4.5],
    [5, 5.5],
    [6, 6.5],
  ]);
});
