import { modelArchitecture } from '@bag/models';
import { parameterShapes } from '@bag/network';
import { fill } from '@bag/testing';
import { parseSafetensors, serializeSafetensors, torchWeights } from '@bag/weights';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { folder, run, small, tiny } from './fixtures/program.js';

const weightsOf = async (path: string) => parseSafetensors(await readFile(join(folder, path))).tensors;
const newest = (out: string, step: number) => join(out, 'checkpoints', String(step), 'model.safetensors');

beforeAll(() => {
  const made = run('data', 'make', 'images', '--train', '24', '--validation', '8', '--size', '16', '--classes', '4');
  expect(made.status, made.stderr).toBe(0);
  const plain = ['--set', 'shortcut=pad', '--variant', 'b', '--epochs', '1', '--out', 'trained'];
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

    // Size, colours and class names are told by the file, shortcuts without parameters by the names.
    const named = ['--model', 'resnet8', '--variant', 'b'];
    const back = run('import', 'trained.safetensors', ...named, '--out', 'back');
    expect(back.status, back.stderr).toBe(0);
    expect(back.stdout).toContain('resnet8 b, 74,900 parameters, 4 classes: back');
    expect(await weightsOf(newest('back', 0))).toEqual(await weightsOf(newest('trained', 3)));
    const score = (...args: string[]) => JSON.parse(run('eval', ...args, '--json').stdout) as object;
    expect(score('back', '--data', 'images')).toEqual(score('trained'));
    expect(score('trained.safetensors', ...named, '--data', 'images')).toEqual(score('trained'));
    const { config, classes } = await savedRun('back');
    expect([config.normalization, config.imageSize, config.shortcut]).toEqual(['paper', 16, 'pad']);
    expect(classes).toEqual((await savedRun('trained')).classes);
    const again = run('train', '--resume', '--out', 'back');
    expect([again.status, again.stderr]).toEqual([2, expect.stringContaining('npx bag train --init back')]);
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

  test('weights of no run want a model; those of a run have one', () => {
    expect(run('eval', 'trained.safetensors').stderr).toContain('its architecture is unknown; name it with --model');
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
      const { stdout, stderr } = run('train', '--init', `${model}.safetensors`, '--dry-run', '--json', ...args);
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
      const { stdout, stderr } = run('train', '--init', 'trained', '--data', 'images', '--dry-run', '--json', ...args);
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
    expect(stderr).not.toContain('the head is new');
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
    const { plan } = JSON.parse(stdout) as { plan: { frozen: string[]; decayed: string[]; zeroGamma: string[] } };
    expect(plan.frozen).toHaveLength(9);
    expect(plan.decayed).not.toContain('layer1.0.conv1.weight');
    expect(plan.zeroGamma).toEqual([]);
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
