import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { settingFor } from './demo-plan.js';
import { folder, run } from './fixtures/program.js';

interface Losses {
  loss: number;
  hard: number;
  soft: number;
}

/** The demo with two epochs of a few images. */
const tiny = ['epochs=2', 'synthetic.train=64', 'synthetic.validation=20', 'batch=32'].flatMap((one) => ['--set', one]);
const demo = (...args: string[]) => run('demo', '--backend', 'wasm', ...tiny, ...args);

const configOf = (run: string) =>
  (JSON.parse(readFileSync(join(folder, run, 'config.json'), 'utf8')) as { config: Record<string, unknown> }).config;

test('the demo says how long it takes, and ends with the tricks, both curves, the scores and the report', async () => {
  // One that goes on keeps what it was begun with.
  await mkdir(join(folder, 'demo'));
  await writeFile(join(folder, 'demo', 'demo.json'), JSON.stringify({ setting: 'small', keys: { seed: 3 } }));
  const { status, stdout, stderr } = demo('--out', 'demo');
  expect(status, stderr).toBe(0);
  expect(stderr).toMatch(/^about .+ for 3 runs on the embedded data set, into demo$/m);
  for (const trick of [
    'zero-γ',
    'linear scaling',
    'warmup',
    'no bias decay',
    'label smoothing',
    'mixup',
    'distillation',
  ])
    expect(stdout).toMatch(new RegExp(`^${trick} +\\S`, 'm'));
  expect(stdout).toMatch(/^ *└──$/m);
  expect(stdout).toContain("○ the paper's baseline   ● the whole bag");
  const scores = [...stdout.matchAll(/^the (?:teacher|paper's baseline|whole bag) .* resnet\d+ +([\d.]+) %/gm)];
  expect(scores).toHaveLength(3);
  const [, baseline, bag] = scores.map(([, percent]) => Number(percent)) as [number, number, number];
  const points = `${Math.abs(bag - baseline).toFixed(2)} points ${bag >= baseline ? 'above' : 'below'} the baseline on 20 images`;
  expect(stdout).toContain(`The bag is ${points}`);
  expect(readFileSync(join(folder, 'demo', 'report.html'), 'utf8')).toContain('Divergence from the teacher');
  expect(configOf('demo/bag')['distillation']).toMatchObject({ teacher: join('demo', 'teacher') });
  expect([configOf('demo/teacher')['model'], configOf('demo/bag')['model']]).toEqual(['resnet14', 'resnet8']);

  expect(configOf('demo/bag')['imageSize']).toBe(16);

  // The bag learns from a teacher: its loss is told in terms, wherever it is told.
  const lines = readFileSync(join(folder, 'demo', 'bag', 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n');
  for (const line of lines) {
    const record = JSON.parse(line) as Losses & { train?: Losses };
    const { loss, hard, soft } = record.train ?? record;
    expect(loss).toBeCloseTo(hard + soft, 4);
    // Far below the teacher's entropy, T² ln 10 = 921.
    expect(loss).toBeLessThan(100);
  }
  const [events = ''] = readdirSync(join(folder, 'demo', 'bag')).filter((name) => name.startsWith('events.'));
  const tags = readFileSync(join(folder, 'demo', 'bag', events), 'latin1');
  for (const tag of ['step/hard', 'step/soft', 'loss/hard', 'loss/soft']) expect(tags).toContain(tag);
  expect(stderr).not.toContain('epoch 1: loss');

  const again = demo('--out', 'demo');
  expect(again.stderr.match(/is finished already/g)).toHaveLength(3);
  expect(again.stdout).toContain(points);
  const other = demo('--out', 'demo', '--setting', 'full');
  expect([other.status, other.stderr]).toEqual([2, expect.stringContaining('holds a run with another')]);
});

test.each([
  ['left to itself, fast', undefined, 60_000, 'full'],
  ['left to itself, slow', undefined, 900_000, 'small'],
  ['asked for, slow', 'full', 900_000, 'full'],
  ['asked for, fast', 'small', 60_000, 'small'],
] as const)('the setting of a demo: %s', (_, chosen, fullMs, expected) => {
  expect(settingFor(chosen, fullMs)).toBe(expected);
});
