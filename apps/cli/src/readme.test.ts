import { modelArchitecture } from '@bag/models';
import { parameterShapes } from '@bag/network';
import { fill, testReadme } from '@bag/testing';
import { serializeSafetensors, torchWeights } from '@bag/weights';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { bag, folder, run } from './fixtures/program.js';

const readme = new URL('../../../README.md', import.meta.url);
testReadme(readme);

/** A file as timm saves it, of weights that are not trained. */
async function writeWeights(path: string): Promise<void> {
  const shapes = parameterShapes(modelArchitecture({ name: 'resnet50d' }));
  const parameters = shapes.map(({ name, role, shape }) => [name, { role, shape, values: fill(name, shape) }] as const);
  await writeFile(path, serializeSafetensors(torchWeights(Object.fromEntries(parameters)), { format: 'pt' }));
}

describe('resnet50d of timm, fine-tuned on a folder, as the README has it', () => {
  const blocks = [...readFileSync(readme, 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);
  const example = blocks.find((text) => text.includes('--init resnet50d.safetensors')) ?? '';
  // Small images, as 224 pixels a side take a minute, and a named precision, as measuring one takes seconds.
  const said = example
    .replace('FOLDER', 'images --set imageSize=64 --precision fp32')
    .replace('photo.jpg', 'images/val/ring/1.png')
    .replaceAll('\\\n', '')
    .split('\n')
    .filter((line) => line.startsWith('npx bag '));

  function follow(command: string) {
    const line = said.find((one) => one.startsWith(`npx bag ${command} `));
    expect(line, `the README has no bag ${command}`).toBeDefined();
    const shell = `npx() { shift; '${process.execPath}' '${bag}' "$@"; }\n${line}`;
    const { status, stdout, stderr } = spawnSync('sh', ['-c', shell], { cwd: folder, encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    return { stdout, stderr };
  }

  beforeAll(async () => {
    const made = run('data', 'make', 'images', '--train', '16', '--validation', '4', '--size', '40', '--classes', '2');
    expect(made.status, made.stderr).toBe(0);
    await writeWeights(join(folder, 'resnet50d.safetensors'));
  });

  test('it is three commands', () => {
    expect(said).toHaveLength(3);
  });

  test('train', () => {
    const { stderr } = follow('train');
    expect(stderr).toContain('the head is new: fc has 1000 classes in the weights, the data 2');
    // Three convolutions and three BatchNorms of the stem, ten and thirteen pairs of the stages, of 55 pairs and the head.
    expect(stderr).toContain('frozen: 78 of 167 tensors');
    expect(stderr).toContain('epoch 5: ');
  });

  test('predict', () => {
    expect(follow('predict').stdout).toMatch(/ {2}ring\n/);
  });

  test('export', async () => {
    follow('export');
    expect((await stat(join(folder, 'mine.onnx'))).size).toBeGreaterThan(90e6);
  });
});
