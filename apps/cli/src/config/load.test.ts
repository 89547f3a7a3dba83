import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configFileSchema } from './json-schema.js';
import { differingKeys, parseAssignment, readConfigFile, resolveConfig } from './load.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bag-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('resolveConfig', () => {
  test('later parts override earlier ones, key by key, deeply', () => {
    const config = resolveConfig({ recipe: 'baseline', mixup: { alpha: 1 } }, { mixup: { per: 'pair' }, epochs: 3 });
    expect(config.mixup).toEqual({ alpha: 1, per: 'pair', offEpochs: 0 });
    expect(config.epochs).toBe(3);
    expect(config.learningRate.schedule).toBe('step');
  });

  test('the bag is on by default', () => {
    const config = resolveConfig();
    expect([config.variant, config.zeroGamma, config.noBiasDecay, config.labelSmoothing]).toEqual([
      'd',
      true,
      true,
      0.1,
    ]);
    expect(config.learningRate.schedule).toBe('cosine');
  });

  test.each([
    [{ epoch: 3 }, 'unknown configuration key epoch; did you mean epochs?'],
    [{ mixup: { alfa: 0.2 } }, 'unknown configuration key mixup.alfa; did you mean alpha?'],
    [{ mixup: { zzzzzz: 1 } }, 'unknown configuration key mixup.zzzzzz; known here: alpha, per, offEpochs'],
    [{ epochs: 0 }, 'epochs: '],
    [{ batch: '12' }, 'batch: '],
    [{ learningRate: { schedule: 'cos' } }, 'learningRate.schedule: '],
    [{ lossScale: 0 }, 'lossScale: expected dynamic, or a number from 2⁻¹⁴ to 2¹²⁷ such as 128'],
    [{ lossScale: -1 }, 'lossScale: expected dynamic, or a number from 2⁻¹⁴ to 2¹²⁷ such as 128'],
    [{ lossScale: 1e-320 }, 'lossScale: expected dynamic, or a number from 2⁻¹⁴ to 2¹²⁷ such as 128'],
    [{ lossScale: 1e300 }, 'lossScale: expected dynamic, or a number from 2⁻¹⁴ to 2¹²⁷ such as 128'],
    [{ lossScale: Infinity }, 'lossScale: expected dynamic, or a number from 2⁻¹⁴ to 2¹²⁷ such as 128'],
    [{ lossScale: 'static' }, 'lossScale: expected dynamic, or a number from 2⁻¹⁴ to 2¹²⁷ such as 128'],
    [{ recipe: 'bags' }, 'recipe: expected one of baseline, bag, got "bags"'],
  ])('%j is refused by name', (part, message) => {
    expect(() => resolveConfig(part as never)).toThrow(message);
  });
});

test('an assignment is a path and a YAML value', () => {
  expect(parseAssignment('mixup.alpha=0.4')).toEqual({ mixup: { alpha: 0.4 } });
  expect(parseAssignment('learningRate.boundaries=[0.5, 0.8]')).toEqual({ learningRate: { boundaries: [0.5, 0.8] } });
  expect(() => parseAssignment('mixup')).toThrow('--set expects key=value, got mixup');
});

test('a loss scale is set by an assignment as by a file', async () => {
  const path = join(folder, 'scale.yaml');
  await writeFile(path, 'precision: fp16\nlossScale: 128\n');
  const { config } = await readConfigFile(path);
  expect(resolveConfig(config).lossScale).toBe(128);
  expect(resolveConfig(config, parseAssignment('lossScale=1024')).lossScale).toBe(1024);
  expect(resolveConfig(config, parseAssignment('lossScale=dynamic')).lossScale).toBe('dynamic');
});

test('files are YAML or JSON, and say so when they are not', async () => {
  const yaml = join(folder, 'a.yaml');
  await writeFile(yaml, 'epochs: 4\nmixup:\n  alpha: 0.1\n');
  expect(await readConfigFile(yaml)).toEqual({ config: { epochs: 4, mixup: { alpha: 0.1 } } });
  const broken = join(folder, 'b.yaml');
  await writeFile(broken, 'epochs: [4\n');
  await expect(readConfigFile(broken)).rejects.toThrow('is neither YAML nor JSON');
  const empty = join(folder, 'c.yaml');
  await writeFile(empty, '');
  await expect(readConfigFile(empty)).rejects.toThrow('holds no keys');
  await expect(readConfigFile(join(folder, 'none.yaml'))).rejects.toThrow(
    /cannot read the configuration .*none.yaml; .* one that comes with bag \("bag recipes" lists them\)/,
  );
});

test('a file extends others, by path or by name; paths in it are relative to it', async () => {
  await mkdir(join(folder, 'deep'), { recursive: true });
  await writeFile(join(folder, 'base.yaml'), 'data: images\nepochs: 4\nmixup: { alpha: 0.1 }\nablation: []\n');
  const top = join(folder, 'deep', 'top.yaml');
  await writeFile(top, 'extends: [cifar10/baseline, ../base.yaml]\nmixup: { per: pair }\n');
  const { config, ablation } = await readConfigFile(top);
  expect(config).toMatchObject({
    recipe: 'baseline',
    batch: 128,
    data: join(folder, 'images'),
    epochs: 4,
    mixup: { alpha: 0.1, per: 'pair' },
  });
  expect(ablation).toEqual([]);
  const circle = join(folder, 'circle.yaml');
  await writeFile(circle, 'extends: circle.yaml');
  await expect(readConfigFile(circle)).rejects.toThrow('circle.yaml extends itself');
});

test('a shipped configuration is called by its name or its path in the package; a near miss is named', async () => {
  const byName = await readConfigFile('imagenet/resnet50d-cosine');
  expect(byName).toMatchObject({ config: { variant: 'd', learningRate: { schedule: 'cosine' } }, paper: 77.91 });
  expect(await readConfigFile('configs/imagenet/resnet50d-cosine.yaml')).toEqual(byName);
  await expect(readConfigFile('imagenet/resnet50d-cosin')).rejects.toThrow('did you mean imagenet/resnet50d-cosine?');
});

test('the published JSON Schema is that of the configuration', async () => {
  const text = `${JSON.stringify(configFileSchema(), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot('../../schema.json');
});

test('differing keys are dotted paths', () => {
  expect(differingKeys({ a: 1, b: { c: [1], d: 2 } }, { a: 1, b: { c: [2], d: 2 }, e: 0 })).toEqual(['b.c', 'e']);
});
