import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder, run, small, tiny } from './fixtures/program.js';

// One story, told in parts: each goes on with what those before it left.
const files = ['model.safetensors', 'optimizer.safetensors', 'ema.safetensors', 'state.json'];

test('train', () => {
  const whole = run(
    ...['train', ...tiny, ...small, '--epochs', '2', '--out', 'whole'],
    ...['--precision', 'fp16', '--set', 'ema.decay=0.9', '--json'],
  );
  expect(whole.status, whole.stderr).toBe(0);
  const events = whole.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string });
  expect(events.filter(({ kind }) => kind === 'epoch')).toHaveLength(2);
});

test('a run that was killed after its first epoch and resumed equals the whole one', async () => {
  const cut = join(folder, 'cut');
  await mkdir(join(cut, 'checkpoints'), { recursive: true });
  await mkdir(join(cut, 'checkpoints', '2'));
  for (const file of ['config.json', 'metrics.jsonl', ...files.map((name) => join('checkpoints', '2', name))]) {
    await writeFile(join(cut, file), await readFile(join(folder, 'whole', file)));
  }
  const resumed = run('train', '--resume', '--out', 'cut');
  expect(resumed.status, resumed.stderr).toBe(0);
  expect(resumed.stderr).toContain('resumed after epoch 1');
  for (const name of files) {
    const at = join('checkpoints', '4', name);
    expect(await readFile(join(cut, at)), name).toEqual(await readFile(join(folder, 'whole', at)));
  }
});

test('so does one that was killed in the validation of its first epoch', async () => {
  const cut = join(folder, 'cut');
  const statePath = join(cut, 'checkpoints', '2', 'state.json');
  const state = JSON.parse(await readFile(statePath, 'utf8')) as object;
  const unvalidated = { train: { loss: 1, top1: 0, top5: 0 }, seconds: 1, imagesPerSecond: 1 };
  await writeFile(statePath, JSON.stringify({ ...state, epoch: 0, unvalidated }));
  await rm(join(cut, 'checkpoints', '4'), { recursive: true });
  expect(run('train', '--resume', '--out', 'cut').stderr).toContain('resumed at the validation of epoch 1');
  const records = async (out: string) =>
    (await readFile(join(folder, out, 'metrics.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string; step: number; validation?: object });
  const told = (list: Awaited<ReturnType<typeof records>>) =>
    list.map(({ kind, step, validation }) => [kind, step, validation]);
  expect(told(await records('cut'))).toEqual(told(await records('whole')));
});

test('a run is resumed with its own settings', () => {
  expect(run('train', '--resume', '--out', 'cut', '--batch', '4').stderr).toContain('was started with another batch');
  expect(run('train', '--resume', '--out', 'cut', '--set', 'lossScale=128').stderr).toContain(
    'was started with another lossScale',
  );
});

test('stopped before the first checkpoint, a run starts over', async () => {
  await mkdir(join(folder, 'early'));
  await writeFile(join(folder, 'early', 'config.json'), await readFile(join(folder, 'whole', 'config.json')));
  const early = run('train', '--resume', '--out', 'early');
  expect([early.status, early.stderr]).toEqual([0, expect.stringContaining('no checkpoint yet')]);
  const weights = join('checkpoints', '4', 'model.safetensors');
  expect(await readFile(join(folder, 'early', weights))).toEqual(await readFile(join(folder, 'whole', weights)));
});

test('with other images it does not go on, and no run takes the place of another', async () => {
  const cut = join(folder, 'cut');
  const saved = JSON.parse(await readFile(join(cut, 'config.json'), 'utf8')) as { images: { train: number } };
  saved.images.train = 17;
  await writeFile(join(cut, 'config.json'), JSON.stringify(saved));
  expect(run('train', '--resume', '--out', 'cut').stderr).toContain('training images (17 then, 16 now)');
  expect(run('train', ...tiny, '--out', 'whole').stderr).toContain('whole holds a run already; add --resume');
});

test('evaluate, predict', () => {
  const scores = JSON.parse(run('eval', 'whole', '--json').stdout) as { examples: number; top5: number };
  expect(scores.examples).toBe(8);

  expect(run('data', 'make', 'images', '--train', '20', '--validation', '10', '--size', '16').status).toBe(0);
  const image = join('images', 'val', 'star', '4.png');
  const { predictions } = JSON.parse(run('predict', 'whole', image, '--top', '3', '--json').stdout) as {
    predictions: { class: string; probability: number }[];
  };
  expect(predictions).toHaveLength(3);
  const broken = run('predict', 'whole', join('whole', 'config.json'));
  expect([broken.status, broken.stderr]).toEqual([2, expect.stringContaining('cannot read the image')]);
});

test('data check finds images that are there twice', async () => {
  const image = join('images', 'val', 'star', '4.png');
  const clean = run('data', 'check', 'images');
  expect([clean.status, clean.stdout]).toEqual([0, expect.stringContaining('nothing is wrong')]);
  await writeFile(join(folder, 'images', 'val', 'star', 'again.png'), await readFile(join(folder, image)));
  const findings = run('data', 'check', 'images');
  expect(findings.status).toBe(1);
  expect(findings.stdout).toContain(
    `duplicate, 1: groups of images with the same pixels\n  ${image} = ${join('images', 'val', 'star', 'again.png')}  (within a class)`,
  );
});
