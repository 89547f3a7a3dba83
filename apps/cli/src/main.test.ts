import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const bag = fileURLToPath(new URL('../bin/bag.js', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bag-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return runWith({}, ...args);
}

function runWith(env: object, ...args: string[]) {
  return spawnSync(process.execPath, [bag, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
}

const tiny = ['--model', 'resnet8', '--batch', '8', '--backend', 'wasm'];
const small = ['synthetic.train=16', 'synthetic.validation=8', 'imageSize=16', 'learningRate.warmupEpochs=0'].flatMap(
  (one) => ['--set', one],
);

describe('a wrong command is one line, with the fix, and exit code 2', () => {
  test.each([
    [['trian'], 'unknown command trian; did you mean train?'],
    [['train', '--epoch', '3'], "unknown option '--epoch'"],
    [['train', '--epochs', 'many'], 'expected a whole number ≥ 1'],
    [['train', '--variant', 'e'], 'Allowed choices are a, b, c, d'],
    [['train', '--model', 'resnet51'], 'unknown model resnet51; known are resnet18'],
    [['train', '--set', 'mixup.alfa=1'], 'unknown configuration key mixup.alfa; did you mean alpha?'],
    [['train', 'none.yaml'], 'cannot read the configuration none.yaml'],
    [['train', '--data', 'nowhere'], 'nowhere does not exist; give the folder of a data set'],
    [['train', '--backend', 'tensorflow'], 'backend tensorflow is not available'],
    [['train', '--resume', '--out', 'nowhere'], 'is nowhere the folder of a run?'],
    [['train', '--model', 'resnet8', '--set', 'shortcut=pad'], 'use projection with variant d'],
    [['train', '--model', 'resnet50d', '--variant', 'b'], 'model resnet50d is variant d, variant says "b"'],
    [['train', '--set', 'mixup.alpha=['], '--set mixup.alpha=[: the value is no YAML'],
    [
      ['train', ...tiny, ...small, '--set', 'learningRate={schedule: step, boundaries: [0.01], warmupEpochs: 1}'],
      '0.01 of the run lies in the warmup',
    ],
    [['train', ...tiny, ...small, '--out', '/dev/null/x'], 'cannot make the folder /dev/null'],
    [['train', ...tiny, ...small, '--out', '/proc/x'], 'cannot make the folder /proc/x'],
    [['data', 'foo'], 'unknown command foo; known are make, check'],
    [['eval', 'nowhere'], 'nowhere does not exist; give the folder of a run'],
    [['data', 'make', '.', '--classes', '101'], 'expected 2 to 100 classes, got 101'],
  ])('%j', (args, message) => {
    const { status, stderr } = run(...args);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(status).toBe(2);
  });
});

test('help has examples, completion knows names, --quiet is quiet, and colours are for terminals', () => {
  for (const command of [
    'train',
    'find-lr',
    'ablate',
    'eval',
    'predict',
    'report',
    'models',
    'doctor',
    'bench',
    'demo',
  ]) {
    expect(run('help', command).stdout).toMatch(/Examples:\n {2}npx bag /);
  }
  expect(run('complete', '--', 'train', '--model', 'resnet').stdout).toContain('resnet20');
  expect(run('complete', '--', 'ablate', 'de').stdout).toContain('demo');
  for (const shell of ['bash', 'zsh', 'fish']) expect(run('completion', shell).stdout).toContain('complete');
  const quiet = run('train', '-q', ...tiny, ...small, '--epochs', '1', '--out', 'quiet');
  expect(quiet).toMatchObject({ status: 0, stdout: '', stderr: '' });
  const colours = (env: object) =>
    spawnSync(process.execPath, [bag, 'eval', 'no'], { encoding: 'utf8', env: { ...process.env, ...env } }).stderr;
  expect(colours({ FORCE_COLOR: '1' })).toContain('\u001b[31merror:');
  expect(colours({ NO_COLOR: '1', FORCE_COLOR: undefined })).toMatch(/^error:/m);
});

interface Doctor {
  cores: number;
  active: string;
  engines: {
    name: string;
    available: boolean;
    version?: string;
    threads?: number;
    threadsFrom?: string;
    instructionSet?: string;
    memoryLimitBytes?: number;
    halves?: { bfloat16: { computedBy: string | null } };
    gigaflops?: number;
    reason?: string;
    fix?: string;
  }[];
}

test('doctor tells the machine, times each engine that is there, and names the one that auto takes', () => {
  const { cores, active, engines } = JSON.parse(runWith({ BAG_NUM_THREADS: '1' }, 'doctor', '--json').stdout) as Doctor;
  expect(cores).toBeGreaterThan(0);
  expect(engines.map(({ name }) => name)).toEqual(['onednn', 'tensorflow', 'wasm', 'cpu']);
  expect(active).toBe(engines.find(({ available }) => available)?.name);
  for (const { name, available, gigaflops, fix, ...rest } of engines) {
    if (!available) {
      expect(fix).toContain('npm');
      continue;
    }
    expect(gigaflops).toBeGreaterThan(0);
    if (name !== 'onednn') continue;
    expect(rest).toMatchObject({ threads: 1, threadsFrom: 'BAG_NUM_THREADS' });
    expect(rest.version).toMatch(/^oneDNN \d+\.\d+\.\d+$/);
    expect(rest.instructionSet).toMatch(/\w/);
    expect(rest.memoryLimitBytes).toBeGreaterThan(0);
  }
});

describe('16 bits', () => {
  const narrow = { ONEDNN_MAX_CPU_ISA: 'AVX2' };
  let here: Doctor['engines'][number] | undefined;
  beforeAll(() => {
    const { engines } = JSON.parse(run('doctor', '--json').stdout) as Doctor;
    here = engines.find(({ name, available }) => name === 'onednn' && available);
  });
  const precisionOf = (env: object, ...args: string[]) => {
    const { stdout } = runWith(env, 'train', ...args, '--dry-run', '--json');
    return (JSON.parse(stdout) as { config: { precision: string } }).config.precision;
  };

  test('doctor tells what computes in them', () => {
    if (here === undefined) return;
    const byInstructions: Record<string, string> = { avx512_bf16: 'AVX-512-BF16', amx: 'AMX' };
    expect(here.halves).toEqual({
      bfloat16: { computedBy: byInstructions[here.instructionSet ?? ''] ?? null, convertedBy: 'shifts' },
      float16: { computedBy: null, convertedBy: process.arch === 'x64' ? 'F16C' : 'software' },
    });
    if (process.arch !== 'x64') return;
    const { stdout } = runWith(narrow, 'doctor');
    expect(stdout).toContain('onednn: instructions avx2, ');
    expect(stdout).toContain('onednn: bf16: storage only: computed in float32, converted by shifts');
    expect(stdout).toContain('onednn: fp16: storage only: computed in float32, converted by F16C');
  });

  test('a run that names no precision takes bf16 where the engine computes in it', () => {
    const hardware = here?.halves?.bfloat16.computedBy != null;
    expect(precisionOf({})).toBe(hardware ? 'bf16' : 'fp32');
    if (process.arch === 'x64') expect(precisionOf(narrow)).toBe('fp32');
    expect(precisionOf({}, '--backend', 'wasm')).toBe('fp32');
    expect(precisionOf({}, '--recipe', 'baseline')).toBe('fp32');
  });

  test('a precision that is named is taken', () => {
    expect(precisionOf({}, '--precision', 'fp32')).toBe('fp32');
    expect(precisionOf(narrow, '--set', 'precision=bf16')).toBe('bf16');
  });
});

describe('an engine that is missing', () => {
  const none = { BAG_ONEDNN_ADDON: '/nowhere/bag.node' };
  const bench = ['bench', '--model', 'resnet8', '--batch', '2', '--size', '16', '--steps', '1', '--warmup', '0'];

  test('is told by auto, with the command that would add it, and the next one takes its place', () => {
    const { status, stdout, stderr } = runWith(none, ...bench, '--json');
    expect([status, stderr]).toEqual([
      0,
      expect.stringMatching(/^engine: (wasm|tensorflow) \(.*\); onednn is missing: .*npm run/),
    ]);
    expect(stdout).toMatch(/"backend":"(wasm|tensorflow)"/);
  });

  test('has no substitute where it is named', () => {
    const { status, stdout, stderr } = runWith(none, ...bench, '--backend', 'onednn');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: backend onednn is not available: .*\/nowhere.*; build it with "npm run .*"/);
  });

  test('is not what a wrong number of threads is answered with', () => {
    const { status, stderr } = runWith({ BAG_NUM_THREADS: 'none' }, ...bench);
    // Where it is missing in earnest, nothing reads the number.
    if (stderr.startsWith('engine: ')) return;
    expect([status, stderr]).toEqual([2, expect.stringContaining('BAG_NUM_THREADS: expected a whole number')]);
  });
});

describe('bench', () => {
  const bench = (...more: string[]) =>
    run('bench', '--model', 'resnet8', '--batch', '4', '--size', '16', '--backend', 'wasm', ...more);

  test.each([[[]], [['--precision', 'fp16', '--variant', 'd']], [['--inference']]])('%j', (flags) => {
    const { status, stdout, stderr } = bench('--steps', '3', '--warmup', '1', '--json', ...flags);
    expect(status, stderr).toBe(0);
    const result = JSON.parse(stdout) as {
      imagesPerSecond: number;
      stepMs: number;
      sortedStepMs: number[];
      peakRssMiB: number;
    };
    expect(result).toMatchObject({
      model: 'resnet8',
      variant: flags.includes('d') ? 'd' : 'b',
      batch: 4,
      size: 16,
      precision: flags.includes('fp16') ? 'fp16' : 'fp32',
      inference: flags.includes('--inference'),
      backend: 'wasm',
      threads: 1,
      warmup: 1,
      n: 3,
    });
    const { stepMs, sortedStepMs, imagesPerSecond, peakRssMiB } = result;
    expect(sortedStepMs).toHaveLength(3);
    expect(sortedStepMs).toEqual([...sortedStepMs].sort((a, b) => a - b));
    expect(stepMs).toBe(sortedStepMs[1]);
    expect((imagesPerSecond * stepMs) / 4000).toBeCloseTo(1, 2);
    expect(peakRssMiB).toBeGreaterThan(10);
  });

  test('says it in words, and refuses threads of an engine that has no choice', () => {
    const { stdout } = bench('--steps', '1', '--warmup', '0');
    expect(stdout).toMatch(/^resnet8 b, 4 images of 16 × 16, fp32: training step\n/);
    expect(stdout).toContain('images/s');
    const refused = bench('--threads', '2');
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('wasm has no choice of threads')]);
  });
});

test('models agree with the published counts, as JSON', () => {
  const list = JSON.parse(run('models', '--json').stdout) as { name: string; variant: string; parameters: number }[];
  expect(list.filter(({ name }) => /^resnet(18|34|50|101|152)$/.test(name))).toHaveLength(20);
  expect(list).toContainEqual(expect.objectContaining({ name: 'resnet152', variant: 'c', parameters: 60_212_040 }));
});

test('train, stop after an epoch, resume, evaluate, predict: the resumed run equals the whole one', async () => {
  const train = (out: string, ...more: string[]) =>
    run('train', ...tiny, ...small, '--epochs', '2', '--out', out, ...more);
  const whole = train('whole', '--precision', 'fp16', '--set', 'ema.decay=0.9', '--json');
  expect(whole.status, whole.stderr).toBe(0);
  const events = whole.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string });
  expect(events.filter(({ kind }) => kind === 'epoch')).toHaveLength(2);

  // As if the run had been killed after its first epoch.
  const cut = join(folder, 'cut');
  await mkdir(join(cut, 'checkpoints'), { recursive: true });
  const files = ['model.safetensors', 'optimizer.safetensors', 'ema.safetensors', 'state.json'];
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
  // As if it had been killed in the validation of its first epoch.
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
  expect(run('train', '--resume', '--out', 'cut', '--batch', '4').stderr).toContain('was started with another batch');
  expect(run('train', '--resume', '--out', 'cut', '--set', 'lossScale=128').stderr).toContain(
    'was started with another lossScale',
  );
  // Stopped before the first checkpoint, a run starts over.
  await mkdir(join(folder, 'early'));
  await writeFile(join(folder, 'early', 'config.json'), await readFile(join(folder, 'whole', 'config.json')));
  const early = run('train', '--resume', '--out', 'early');
  expect([early.status, early.stderr]).toEqual([0, expect.stringContaining('no checkpoint yet')]);
  const weights = join('checkpoints', '4', 'model.safetensors');
  expect(await readFile(join(folder, 'early', weights))).toEqual(await readFile(join(folder, 'whole', weights)));
  // With other images it does not go on.
  const saved = JSON.parse(await readFile(join(cut, 'config.json'), 'utf8')) as { images: { train: number } };
  saved.images.train = 17;
  await writeFile(join(cut, 'config.json'), JSON.stringify(saved));
  expect(run('train', '--resume', '--out', 'cut').stderr).toContain('training images (17 then, 16 now)');
  expect(run('train', ...tiny, '--out', 'whole').stderr).toContain('whole holds a run already; add --resume');

  const scores = JSON.parse(run('eval', 'whole', '--json').stdout) as { examples: number; top5: number };
  expect(scores.examples).toBe(8);

  expect(run('data', 'make', 'images', '--train', '20', '--validation', '10', '--size', '16').status).toBe(0);
  const image = join('images', 'val', 'star', '4.png');
  const { predictions } = JSON.parse(run('predict', 'whole', image, '--top', '3', '--json').stdout) as {
    predictions: { class: string; probability: number }[];
  };
  expect(predictions).toHaveLength(3);
  const clean = run('data', 'check', 'images');
  expect([clean.status, clean.stdout]).toEqual([0, expect.stringContaining('nothing is wrong')]);
  await writeFile(join(folder, 'images', 'val', 'star', 'again.png'), await readFile(join(folder, image)));
  const findings = run('data', 'check', 'images');
  expect(findings.status).toBe(1);
  expect(findings.stdout).toContain(
    `duplicate, 1: groups of images with the same pixels\n  ${image} = ${join('images', 'val', 'star', 'again.png')}  (within a class)`,
  );
  const broken = run('predict', 'whole', join('whole', 'config.json'));
  expect([broken.status, broken.stderr]).toEqual([2, expect.stringContaining('cannot read the image')]);
});

test('a dry run says what would be done', () => {
  const args = ['train', '--model', 'resnet20', '--recipe', 'bag', '--dry-run', '--epochs', '10', '--batch', '100'];
  const text = run(...args).stdout;
  // 2000 embedded images; ResNet-20-D has nine blocks and two projections: 22 filters and the dense weight decay.
  for (const line of [
    '200: 10 epochs of 20',
    'on 22 of 65 tensors',
    '9 BatchNorms',
    'learning rate',
    'labelSmoothing: 0.1',
  ]) {
    expect(text).toContain(line);
  }
  const { plan } = JSON.parse(run(...args, '--json').stdout) as { plan: { rates: number[]; decayed: string[] } };
  expect(Math.max(...plan.rates)).toBeCloseTo(0.1 * (100 / 256), 3);
  expect(plan.decayed).toContain('fc.weight');
});

test('ablate stacks rows over seeds, goes on where it stopped, and grows; report and find-lr draw', async () => {
  const rows = [
    'ablation:',
    '  - { name: plain, set: { recipe: baseline } }',
    '  - { name: + cosine, set: { learningRate: { schedule: cosine } }, paper: 77.91 }',
  ];
  await writeFile(join(folder, 'study.yaml'), rows.join('\n'));
  const study = (...more: string[]) => run('ablate', 'study.yaml', '--out', 'study', '--json', ...more);
  const first = study('--seeds', '2', '--epochs', '1', ...tiny, ...small);
  expect(first.status, first.stderr).toBe(0);
  interface Row {
    row: { name: string };
    top1: number[];
  }
  const table = (text: string) =>
    (JSON.parse(text) as { rows: Row[] }).rows.map(({ row, top1 }) => [row.name, top1.length]);
  expect(table(first.stdout)).toEqual([
    ['plain', 2],
    ['+ cosine', 2],
  ]);
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
  // A row that cannot run is told before the first one does.
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
  expect(run('ablate', '--budget', '3').stderr).toContain('--budget expects a time such as 30m or 2h, got 3');
  const short = run('ablate', ...tiny, ...small, '--budget', '0.001s', '--dry-run', '--out', 'other');
  expect([short.status, short.stderr]).toEqual([2, expect.stringContaining('allow a larger --budget')]);

  const cells = ['plain', 'cosine'].map((row) => join('study', row, 'seed-0'));
  expect(run('report', ...cells, '--out', 'both.html').stdout).toBe('both.html\n');
  expect(await readFile(join(folder, 'both.html'), 'utf8')).toContain('plain/seed-0');
  expect(await readFile(join(folder, 'study', 'report.html'), 'utf8')).toContain('77.91');
  expect(run('report', 'nowhere').stderr).toContain('config.json is missing; is nowhere the folder of a run?');

  const found = run('find-lr', ...tiny, ...small, '--steps', '12', '--out', 'lr.svg', '--json');
  expect(found.status, found.stderr).toBe(0);
  const { points } = JSON.parse(found.stdout) as { points: { rate: number }[] };
  expect(points[0]?.rate).toBeCloseTo(1e-5, 12);
  expect(await readFile(join(folder, 'lr.svg'), 'utf8')).toContain('Learning-rate range test');
});
