import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { installedTfjsNode } from '../fixtures/project.js';
import { buildAddon } from './addon.js';
import { command } from './command.js';
import { libraryFromWheel } from './library.js';
import { setUpTensorFlow } from './set-up.js';
import { pipTags, requirement, tensorflowWheel } from './wheels.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bag-setup-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

/** A program of that name that prints some lines and fails, first in the PATH. */
function fake(name: string, script: string): void {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`);
}

describe.skipIf(process.platform !== 'linux' || process.arch !== 'x64')(
  'what goes wrong is one line with the fix',
  () => {
    test('no pip', async () => {
      fake('python3', 'exit 1');
      await expect(libraryFromWheel(folder, false)).rejects.toThrow(
        'TensorFlow comes by pip, and there is none; install it, e.g. apt-get install python3-pip',
      );
    });

    test('no connection to PyPI', async () => {
      fake('python3', 'case "$*" in *--version*) exit 0;; esac; echo "ERROR: no such host"; exit 1');
      await expect(libraryFromWheel(folder, false)).rejects.toThrow(
        'pip does not bring tensorflow-cpu 2.18.1:\nERROR: no such host; check the connection to PyPI',
      );
    });

    test('no compiler', async () => {
      writeFileSync(join(folder, 'binding.gyp'), "{'targets': [{'target_name': 'tfjs_binding', 'sources': ['a.cc']}]}");
      writeFileSync(join(folder, 'a.cc'), 'int main() { return 0; }');
      fake('make', 'echo "make: g++: No such file or directory"; exit 2');
      await expect(buildAddon(folder)).rejects.toThrow(
        'the addon needs a C++ compiler: g++: No such file; apt-get install g++ make python3',
      );
    });

    test('no package', async () => {
      fake('npm', 'echo "npm error network"; exit 1');
      writeFileSync(join(folder, 'package.json'), '{}');
      await expect(setUpTensorFlow({ project: folder })).rejects.toThrow(
        'npm does not install @tensorflow/tfjs-node:\nnpm error network; check the connection to the registry',
      );
    });

    test('another system', () => {
      vi.spyOn(process, 'platform', 'get').mockReturnValue('darwin');
      expect(() => tensorflowWheel(true)).toThrow(
        'no wheel of TensorFlow for CUDA is known for darwin on x64; use Linux on x64, or another engine',
      );
    });
  },
);

test('the command refuses what does not belong together, and helps', async () => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const printed = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  expect(await command(['--cuda'])).toBe(2);
  expect(said.mock.lastCall?.[0]).toBe('error: --cuda brings the libraries of --gpu; give both');
  expect(await command(['--gpus'])).toBe(2);
  expect(said.mock.lastCall?.[0]).toMatch(/^error: Unknown option '--gpus'/);
  expect(await command(['--help'])).toBe(0);
  expect(printed.mock.lastCall?.[0]).toContain('--wheel');
});

test('wheels are pinned by version, those of TensorFlow by their sum', () => {
  expect(requirement({ name: 'a', version: '1', sha256: 'f' })).toBe('a==1 --hash=sha256:f');
  expect(requirement({ name: 'a', version: '1' })).toBe('a==1');
  expect(pipTags()).toContain('--python-version=3.12');
});

test.skipIf(installedTfjsNode === undefined)('where tfjs-node is set up, nothing is left to do', async () => {
  const said: string[] = [];
  const result = await setUpTensorFlow({ say: (line) => said.push(line) });
  expect(result).toMatchObject({ package: '@tensorflow/tfjs-node', from: 'before' });
  expect(said).toEqual([]);
});
