import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder, run, small, tiny } from './fixtures/program.js';

// One story, told in parts: each goes on with what those before it left.
const rows = [
  'ablation:',
  '  - { name: plain, set: { recipe: baseline } }',
  '  - { name: + cosine, set: { learningRate: { schedule: cosine } }, paper: 77.91 }',
];
const study = (...more: string[]) => run('ablate', 'study.yaml', '--out', 'study', '--json', ...more);
interface Row {
  row: { name: string };
  top1: number[];
}
const table = (text: string) =>
  (JSON.parse(text) as { rows: Row[] }).rows.map(({ row, top1 }) => [row.name, top1.length]);

test('ablate stacks rows over seeds', async () => {
  await writeFile(join(folder, 'study.yaml'), rows.join('\n'));
  const first = study('--seeds', '2', '--epochs', '1', ...tiny, ...small);
  expect(first.status, first.stderr).toBe(0);
  expect(table(first.stdout)).toEqual([
    ['plain', 2],
    ['+ cosine', 2],
  ]);
});

test('it goes on where it stopped, and grows', async () => {
  // A cell that is lost is made again, the others are not; a row may be added, and nothing else changed.
  await rm(join(folder, 'study', 'cosine', 'seed-1'), { recursive: true });
  await writeFile(
    join(folder, 'study.yaml'),
    [...rows, '  - { name: + smoothing, set: { labelSmoothing: 0.1 } }'].join('\n'),
  );
  const second = study();
  expect(second.stderr).toContain('plain, seed 0 is finished already');
  expect(second.stderr).not.toContain('cosine, seed 1 is finished already');
  expect(table(second.stdout)).toEqual([
    ['plain', 2],
    ['+ cosine', 2],
    ['+ smoothing', 2],
  ]);
  expect(study('--epochs', '2').stderr).toContain('--epochs: this study is begun, and only --seeds and rows may grow');
});

test('a row that cannot run is told before the first one does', async () => {
  await writeFile(
    join(folder, 'wrong.yaml'),
    [...rows, '  - { name: + warmup, set: { learningRate: { schedule: step, warmupEpochs: 0.9 } } }'].join('\n'),
  );
  const wrong = run('ablate', 'wrong.yaml', '--out', 'wrong', '--epochs', '1', ...tiny, ...small);
  expect([wrong.status, wrong.stderr]).toEqual([
    2,
    expect.stringContaining('+ warmup, seed 0: learningRate.warmupEpochs'),
  ]);
  expect(wrong.stderr).not.toContain('1/3');
});

test('a budget is a time, and enough for an epoch', () => {
  expect(run('ablate', '--budget', '3').stderr).toContain('--budget expects a time such as 30m or 2h, got 3');
  const short = run('ablate', ...tiny, ...small, '--budget', '0.001s', '--dry-run', '--out', 'other');
  expect([short.status, short.stderr]).toEqual([2, expect.stringContaining('allow a larger --budget')]);
});

test('shipped recipes are planned, with their warmup of five epochs and a batch for eight GPUs', async () => {
  const planned = run(
    'ablate',
    ...['imagenet/mobilenet-baseline', 'imagenet/mobilenet-efficient', '--set', 'imageSize=64'],
    ...['--dry-run', '--json', '--out', 'planned'],
  );
  expect(planned.status, planned.stderr).toBe(0);
  interface Planned {
    totalMs: number;
    runs: { title: string; model: string; epochs: number; ms: number; finished: boolean }[];
  }
  const { runs, totalMs } = JSON.parse(planned.stdout) as Planned;
  expect(runs).toMatchObject([
    { title: 'imagenet/mobilenet-baseline, seed 0', model: 'mobilenet', epochs: 120, finished: false },
    { title: 'imagenet/mobilenet-efficient, seed 0', model: 'mobilenet', epochs: 120, finished: false },
  ]);
  expect(totalMs).toBeCloseTo((runs[0]?.ms ?? 0) + (runs[1]?.ms ?? 0), 6);
  await expect(readFile(join(folder, 'planned', 'study.json'))).rejects.toThrow('ENOENT');
});

test('report draws some of the runs', async () => {
  const cells = ['plain', 'cosine'].map((row) => join('study', row, 'seed-0'));
  expect(run('report', ...cells, '--out', 'both.html').stdout).toBe('both.html\n');
  expect(await readFile(join(folder, 'both.html'), 'utf8')).toContain('plain/seed-0');
  expect(await readFile(join(folder, 'study', 'report.html'), 'utf8')).toContain('77.91');
  expect(run('report', 'nowhere').stderr).toContain('config.json is missing; is nowhere the folder of a run?');
  await expect(stat(join(folder, 'nowhere'))).rejects.toThrow('ENOENT');
});

test('find-lr draws', async () => {
  const found = run('find-lr', ...tiny, ...small, '--steps', '12', '--out', 'lr.svg', '--json');
  expect(found.status, found.stderr).toBe(0);
  const { points } = JSON.parse(found.stdout) as { points: { rate: number }[] };
  expect(points[0]?.rate).toBeCloseTo(1e-5, 12);
  expect(await readFile(join(folder, 'lr.svg'), 'utf8')).toContain('Learning-rate range test');
});

const write = (name: string, lines: string[]) => writeFile(join(folder, name), lines.join('\n'));
interface Planned {
  totalMs: number;
  runs: { title: string; model: string; epochs: number }[];
}
const plan = (...args: string[]) => {
  const { status, stdout, stderr } = run('ablate', ...args, '--dry-run', '--json', '--out', 'never');
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as Planned;
};

test('rows bring what their weights do, each by itself', async () => {
  const made = run('data', 'make', 'images', '--train', '8', '--validation', '4', '--size', '16', '--classes', '2');
  expect(made.status, made.stderr).toBe(0);
  const trained = run(
    ...['train', '--data', 'images', '--model', 'resnet8', '--variant', 'd', '--epochs', '1', '--batch', '4'],
    ...['--set', 'imageSize=16', '--set', 'learningRate.warmupEpochs=0', '--out', 'pre'],
  );
  expect(trained.status, trained.stderr).toBe(0);
  await mkdir(join(folder, 'sub'), { recursive: true });
  await write('sub/rows.yaml', [
    'data: ../images',
    'epochs: 3',
    'batch: 4',
    'model: resnet14',
    'imageSize: 16',
    'ablation:',
    '  - { name: fresh, set: { recipe: bag } }',
    '  - { name: tuned, set: { model: resnet8, init: ../pre, freeze: [conv1*] } }',
    '  - { name: + teacher, set: { distillation: { teacher: study } } }',
  ]);
  // The teacher is no start from these weights: it is larger than they are.
  expect(plan('sub/rows.yaml').runs.map(({ model }) => model)).toEqual([
    'resnet20 d',
    'resnet14 d',
    'resnet8 d',
    'resnet8 d',
  ]);
});

test('each configuration keeps its own model beside weights that another one starts from', async () => {
  await write('a.yaml', [
    'data: images',
    'model: resnet14',
    'recipe: baseline',
    'epochs: 2',
    'imageSize: 16',
    'batch: 4',
  ]);
  await write('b.yaml', ['extends: a.yaml', 'init: pre', 'model: resnet8', 'recipe: bag', 'epochs: 4']);
  const { runs } = plan('a.yaml', 'b.yaml');
  expect(runs.map(({ model, epochs }) => [model, epochs])).toEqual([
    ['resnet14 b', 2],
    ['resnet8 d', 4],
  ]);
});

test('a budget is shared by the configurations', () => {
  const budgeted = plan('a.yaml', 'b.yaml', '--budget', '20s');
  const [a, b] = budgeted.runs;
  expect(a?.epochs).toBe(b?.epochs);
  expect(budgeted.totalMs).toBeLessThanOrEqual(20_000);
  // Another epoch of each would not fit.
  expect((budgeted.totalMs * ((a?.epochs ?? 0) + 1)) / (a?.epochs ?? 1)).toBeGreaterThan(20_000);
});

test('what cannot start is told before the first run', async () => {
  await write('lost.yaml', ['extends: a.yaml', 'init: gone', 'epochs: 1']);
  for (const args of [
    ['a.yaml', 'lost.yaml'],
    ['a.yaml', 'b.yaml', '--set', 'freeze=[layer9.*]'],
  ]) {
    const { status, stderr } = run('ablate', ...args, '--out', 'never');
    expect([status, stderr]).toEqual([2, expect.stringMatching(/gone does not exist|layer9\.\* matches no parameter/)]);
    expect(stderr).not.toContain('1/2');
  }
});
