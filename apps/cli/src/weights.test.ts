import { modelArchitecture } from '@bag/models';
import { parameterShapes } from '@bag/network';
import { fill } from '@bag/testing';
import { parseSafetensors, serializeSafetensors, torchWeights } from '@bag/weights';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { folder, run, small, tiny } from './fixtures/program.js';
import type { Plan } from './plan.js';

/** A precision that is named in 32 bits is not measured. */
const plannedOnly = ['--precision', 'fp32', '--dry-run', '--json'];

const weightsOf = async (path: string) => parseSafetensors(await readFile(join(folder, path))).tensors;
const newest = (out: string, step: number) => join(out, 'checkpoints', String(step), 'model.safetensors');

beforeAll(() => {
  const made = run('data', 'make', 'images', '--train', '24', '--validation', '8', '--size', '16', '--classes', '4');
  expect(made.status, made.stderr).toBe(0);
  // As many classes, but others.
  const others = run('data', 'make', 'others', '--train', '24', '--validation', '8', '--size', '16', '--classes', '4');
  expect(others.status, others.stderr).toBe(0);
  for (const split of ['train', 'val'])
    renameSync(join(folder, 'others', split, 'disc'), join(folder, 'others', split, 'zebra'));
  const plain = [
    '--set',
    'shortcut=pad',
    '--set',
    'orientation=stored',
    '--set',
    'interpolation=bicubic',
    '--variant',
    'b',
    '--epochs',
    '1',
    '--out',
    'trained',
  ];
  const trained = run('train', ...tiny, ...small, '--data', 'images', ...plain);
  expect(trained.status, trained.stderr).toBe(0);
}, 120_000);

const savedRun = async (out: string) =>
  JSON.parse(await readFile(join(folder, out, 'config.json'), 'utf8')) as {
    config: Record<string, unknown>;
    classes: string[];
  };

describe('out and in again', () => {
  test('safetensors with torch names and layout come back as the same network', async () => {
    const exported = run('export', 'trained', '--format', 'safetensors', '--out', 'trained.safetensors', '--json');
    expect(exported.status, exported.stderr).toBe(0);
    expect(JSON.parse(exported.stdout)).toMatchObject({ classes: expect.arrayContaining(['disc']) as unknown });
    const { tensors, metadata } = parseSafetensors(await readFile(join(folder, 'trained.safetensors')));
    expect([tensors['conv1.weight']?.shape, tensors['fc.weight']?.shape]).toEqual([
      [16, 3, 3, 3],
      [4, 64],
    ]);
    expect(metadata).toMatchObject({ format: 'pt', model: 'resnet8 b', inputSize: '16' });

    // All else is told by the file.
    const back = run('import', 'trained.safetensors', '--out', 'back');
    expect(back.status, back.stderr).toBe(0);
    expect(back.stdout).toContain('resnet8 b, 74,900 parameters, 4 classes: back');
    expect(await weightsOf(newest('back', 0))).toEqual(await weightsOf(newest('trained', 3)));
    const score = (...args: string[]) => JSON.parse(run('eval', ...args, '--json').stdout) as object;
    expect(score('back', '--data', 'images')).toEqual(score('trained'));
    expect(score('trained.safetensors', '--data', 'images')).toEqual(score('trained'));
    const [again, before] = [await savedRun('back'), await savedRun('trained')];
    expect(again.classes).toEqual(before.classes);
    const kept = ['model', 'variant', 'shortcut', 'imageSize', 'normalization', 'orientation', 'interpolation'];
    for (const key of kept) expect([key, again.config[key]]).toEqual([key, before.config[key]]);
    const others = run('eval', 'trained.safetensors', '--data', 'others');
    expect([others.status, others.stderr]).toEqual([2, expect.stringContaining('evaluate on the same classes')]);
    const resumed = run('train', '--resume', '--out', 'back');
    expect([resumed.status, resumed.stderr]).toEqual([2, expect.stringContaining('npx bag train --init back')]);
  });

  test('LayersModel and ONNX are written; nothing is written over', async () => {
    for (const [format, file] of [
      ['layers', 'net-layers/model.json'],
      ['onnx', 'net.onnx'],
    ] as const) {
      const out = file.split('/')[0] as string;
      const exported = run('export', 'trained', '--format', format, '--fold', '--out', out);
      expect(exported.status, exported.stderr).toBe(0);
      expect((await readFile(join(folder, file))).length).toBeGreaterThan(1000);
      const again = run('export', 'trained', '--format', format, '--out', out);
      expect([again.status, again.stderr]).toEqual([2, expect.stringContaining(`${out} is there already`)]);
    }
    expect(run('export', 'trained', '--format', 'safetensors', '--fold').stderr).toContain(
      '--fold acts on layers and onnx',
    );
  });
});

describe('wrong weights are refused with the names that differ, and nothing is left behind', () => {
  test.each<[string, string[], string]>([
    ['trained.safetensors', ['--model', 'resnet14'], 'missing (layer1.1.conv1.weight'],
    ['trained.safetensors', ['--model', 'resnet20d'], 'missing ('],
    ['trained.safetensors', ['--model', 'resnet50'], 'no dense layer takes the 2048 features'],
    ['images', ['--model', 'resnet8'], 'images is no file'],
    ['trained/config.json', ['--model', 'resnet8'], 'trained/config.json: '],
    ['cut.safetensors', ['--model', 'resnet8', '--variant', 'b'], 'cut.safetensors: '],
    ['lacking.safetensors', ['--model', 'resnet8', '--variant', 'b'], '1 missing (layer1.0.bn2.bias)'],
    [
      'trained.safetensors',
      ['--model', 'resnet8', '--variant', 'b', '--classes', 'three.txt'],
      'names 3 classes, the weights know 4',
    ],
  ])('%s %j', async (file, args, message) => {
    const whole = await readFile(join(folder, 'trained.safetensors'));
    await writeFile(join(folder, 'cut.safetensors'), whole.subarray(0, whole.length - 8));
    const { tensors } = parseSafetensors(whole);
    delete tensors['layer1.0.bn2.bias'];
    await writeFile(join(folder, 'lacking.safetensors'), serializeSafetensors(tensors, { format: 'pt' }));
    await writeFile(join(folder, 'three.txt'), 'a\nb\nc\n');
    const { status, stderr } = run('import', file, ...args, '--out', 'refused');
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(status).toBe(2);
    await expect(readFile(join(folder, 'refused', 'config.json'))).rejects.toThrow('ENOENT');
  });

  test('weights of no run want a model; those of a run have one', async () => {
    await writeFile(join(folder, 'bare.safetensors'), serializeSafetensors(await weightsOf('trained.safetensors')));
    expect(run('eval', 'bare.safetensors').stderr).toContain('its architecture is unknown; name it with --model');
    expect(run('eval', 'trained', '--model', 'resnet8').stderr).toContain('leave out --model');
  });
});

describe('what published weights want', () => {
  test.each([
    ['resnet18', 'torchvision'],
    ['mobilenet', 'torchvision'],
    ['mobilenetv1_100', 'inception'],
    ['inception_v3', 'inception'],
  ])('%s: %s', async (model, normalization) => {
    const shapes = parameterShapes(modelArchitecture({ name: model, classes: 3 }));
    const tensors = shapes.map(({ name, role, shape }) => [name, { role, shape, values: fill(name, shape) }] as const);
    const bytes = serializeSafetensors(torchWeights(Object.fromEntries(tensors)), { format: 'pt' });
    await writeFile(join(folder, `${model}.safetensors`), bytes);
    const said = run('import', `${model}.safetensors`, '--model', model, '--out', model);
    expect(said.stderr).toContain(
      `normalization ${normalization}, as such weights want it; --set normalization=… says otherwise`,
    );
    expect((await savedRun(model)).config).toMatchObject({ model, normalization, variant: 'b' });
    const plan = (...args: string[]) => {
      const { stdout, stderr } = run('train', '--init', `${model}.safetensors`, ...plannedOnly, ...args);
      expect(stderr).toBe('');
      return (JSON.parse(stdout) as { config: object }).config;
    };
    expect(plan('--model', model)).toMatchObject({ normalization });
    expect(plan('--model', model, '--set', 'normalization=paper')).toMatchObject({ normalization: 'paper' });
    expect(
      run('import', `${model}.safetensors`, '--model', model, '--set', 'normalization=paper').stderr,
    ).not.toContain('as such weights want it');
  });
});

describe('transfer', () => {
  test('from a run, its network and how its images are prepared are taken over unless something else is said', () => {
    const plan = (...args: string[]) => {
      const { stdout, stderr } = run('train', '--init', 'trained', '--data', 'images', ...plannedOnly, ...args);
      expect(stderr).toBe('');
      return (JSON.parse(stdout) as { config: object }).config;
    };
    expect(plan()).toMatchObject({ model: 'resnet8', variant: 'b', shortcut: 'pad', imageSize: 16 });
    expect(plan('--set', 'imageSize=24', '--set', 'normalization=torchvision')).toMatchObject({
      model: 'resnet8',
      imageSize: 24,
      normalization: 'torchvision',
    });
    const { status, stderr } = run(
      ...['train', '--init', 'trained', '--data', 'images', '--epochs', '1', '--batch', '8', '--out', 'other'],
      ...['--set', 'normalization=torchvision', '--set', 'learningRate.warmupEpochs=0'],
    );
    expect(status, stderr).toBe(0);
    expect(stderr).toContain('warning: normalization is torchvision; the weights were trained with paper');
    expect(stderr).toContain('the head is kept: 4 classes\n');
  });

  test('as many classes under other names want a head of their own', async () => {
    const onto = (...args: string[]) =>
      run(
        ...['train', '--init', ...args, '--epochs', '1', '--batch', '8'],
        ...['--set', 'learningRate.warmupEpochs=0', '--set', 'learningRate.base=1e-12', '--set', 'weightDecay=0'],
      );
    const head = async (path: string) => (await weightsOf(path))['fc.weight']?.values;
    const before = await head(newest('trained', 3));
    const others = onto('trained', '--data', 'others', '--out', 'renamed');
    expect(others.status, others.stderr).toBe(0);
    expect(others.stderr).toMatch(/the head is new: the weights know (\w+, ){3}…, the data has (\w+, ){3}…/);
    expect(await head(newest('renamed', 3))).not.toEqual(before);
    const plan = run('train', '--init', 'trained.safetensors', '--data', 'others', '--dry-run');
    expect(plan.stdout).toContain('the head is new: the weights know');
    // Where nobody knows the names, the number decides.
    const { tensors } = parseSafetensors(await readFile(join(folder, 'trained.safetensors')));
    await writeFile(join(folder, 'nameless.safetensors'), serializeSafetensors(tensors, { format: 'pt' }));
    const shape = ['--model', 'resnet8', '--set', 'imageSize=16'];
    const same = onto('nameless.safetensors', ...shape, '--data', 'others', '--out', 'kept');
    expect(same.status, same.stderr).toBe(0);
    expect(same.stderr).toContain('the head is kept: 4 classes, whose names the weights do not tell');
    expect(await head(newest('kept', 3))).toEqual(before);
  });

  test('a file is a run’s only in the place of its checkpoints', async () => {
    await mkdir(join(folder, 'p', 'q', 'r'), { recursive: true });
    await writeFile(join(folder, 'p', 'config.json'), '{"name": "mine"}');
    await copyFile(join(folder, 'trained.safetensors'), join(folder, 'p', 'q', 'r', 'net.safetensors'));
    const { status, stderr } = run('eval', 'p/q/r/net.safetensors', '--data', 'images');
    expect(status, stderr).toBe(0);
  });

  test('a variant that is asked for is not a contradiction of the run’s own name', () => {
    const { status, stderr } = run('train', '--init', 'trained', '--variant', 'd', '--data', 'images', '--dry-run');
    expect(status).toBe(2);
    expect(stderr).toMatch(/shortcut: pad|\(they are resnet8 b's, asked for is resnet8 d\)/);
  });

  const transfer = (out: string, ...args: string[]) =>
    run('train', ...tiny, ...small, '--epochs', '1', '--variant', 'b', '--set', 'shortcut=pad', '--out', out, ...args);
  const frozen = ['--freeze', 'conv1*', '--freeze', 'bn1*', '--freeze', 'layer1.*'];

  test('a head for other classes, frozen layers, rates by name', async () => {
    const { status, stderr } = transfer(
      'tuned',
      '--init',
      'trained',
      ...frozen,
      '--set',
      'rateScale={"layer2.*": 0.1}',
    );
    expect(status, stderr).toBe(0);
    for (const line of [
      'weights from trained',
      'the head is new: fc has 4 classes in the weights, the data 10',
      'weights from trained; normalization paper',
      'zero-γ: off, the weights have their own γ',
      'frozen: 9 of 23 tensors (conv1*, bn1*, layer1.*)',
      'rate of layer2.*: × 0.1',
      'no bias decay: 9 of 14 tensors',
    ]) {
      expect(stderr).toContain(line);
    }
    const [before, after] = [await weightsOf(newest('trained', 3)), await weightsOf(newest('tuned', 2))];
    const kept = (name: string) => expect(after[name], name).toEqual(before[name]);
    for (const name of Object.keys(before)) if (/^(conv1|bn1|layer1)\./.test(name)) kept(name);
    for (const name of ['layer2.0.conv1.weight', 'layer2.0.bn1.running_mean', 'layer3.0.bn2.bias']) {
      expect(after[name], name).not.toEqual(before[name]);
    }
    expect(after['fc.weight']?.shape).toEqual([64, 10]);
    const resumed = run('train', '--resume', '--out', 'tuned');
    expect(resumed.status, resumed.stderr).toBe(0);
  });

  test('a dry run says what is frozen and does not decay', () => {
    const { stdout } = transfer('none', '--init', 'trained', ...frozen, '--dry-run', '--json');
    const { plan } = JSON.parse(stdout) as { plan: Plan };
    expect(plan.frozen).toHaveLength(9);
    expect(plan.decayed).not.toContain('layer1.0.conv1.weight');
    expect(plan.zeroGamma).toEqual([]);
    // What is frozen from the beginning has no gradients, no momentum, and saves nothing for the backward pass.
    const whole = JSON.parse(transfer('none', '--init', 'trained', '--dry-run', '--json').stdout) as { plan: Plan };
    expect(plan.memory.activations).toBeLessThan(0.5 * whole.plan.memory.activations);
    expect(plan.memory.weights).toBeLessThan(whole.plan.memory.weights);
    expect(plan.weights).toContain('the head is new: fc has 4 classes in the weights, the data 10');
  });

  test.each<[string[], string]>([
    [['--init', 'nowhere'], 'nowhere does not exist; give the folder of a run, or a file of weights'],
    [['--init', 'trained', '--freeze', 'layer9.*'], 'layer9.* matches no parameter'],
    [['--init', 'trained', '--freeze', '*'], 'leaves nothing to train'],
    [['--init', 'trained', '--set', 'rateScale={"layer9.*": 0.1}'], 'rateScale: layer9.* matches no parameter'],
    [['--init', 'trained', '--model', 'resnet14'], 'missing (layer1.1.conv1.weight'],
    [
      ['--set', 'distillation.teacher=cifar10/teacher'],
      'the teacher is yet to be trained: npx bag train cifar10/teacher',
    ],
    [['--init', 'trained.safetensors', '--model', 'mobilenet'], '--variant is of ResNets; leave it out with mobilenet'],
  ])('%j, before any data are read', (args, message) => {
    const { status, stderr } = transfer('wrong', '--data', 'nowhere-either', ...args);
    expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
    if (args.includes('--init')) expect(transfer('wrong', '--dry-run', ...args).stderr).toContain(message);
  });
});
