import { describe, expect, test } from 'vitest';
import { run, runWith, small, tiny } from './fixtures/program.js';

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
    [
      ['train', '--backend', 'tensorflaw'],
      'Allowed choices are auto, tensorflow-gpu, webgpu, onednn, tensorflow, wasm, cpu',
    ],
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
    [['data', 'foo'], 'unknown command foo; known are make, get, pack, check'],
    [['eval', 'nowhere'], 'nowhere does not exist; give the folder of a run'],
    [['data', 'make', '.', '--classes', '101'], 'expected 2 to 100 classes, got 101'],
  ])('%j', (args, message) => {
    const { status, stderr } = run(...args);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(status).toBe(2);
  });
});

test('a Node that is too old is told so', () => {
  const old = "data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'18.20.8'}})";
  const { status, stdout, stderr } = runWith({ NODE_OPTIONS: `--import=${old}` }, 'doctor');
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^error: Node v[\d.]+ is too old; install Node 20\.19 or newer from nodejs\.org\n$/);
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
  const colours = (env: object) => runWith(env, 'eval', 'no').stderr;
  expect(colours({ FORCE_COLOR: '1' })).toContain('\u001b[31merror:');
  expect(colours({ NO_COLOR: '1', FORCE_COLOR: undefined })).toMatch(/^error:/m);
});

test('models agree with the published counts, as JSON', () => {
  const list = JSON.parse(run('models', '--json').stdout) as { name: string; variant: string; parameters: number }[];
  expect(list.filter(({ name }) => /^resnet(18|34|50|101|152)$/.test(name))).toHaveLength(20);
  expect(list).toContainEqual(expect.objectContaining({ name: 'resnet152', variant: 'c', parameters: 60_212_040 }));
});

test('a dry run says what would be done', () => {
  const args = 'train --model resnet20 --recipe bag --dry-run --epochs 10 --batch 100 --precision fp32'.split(' ');
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
