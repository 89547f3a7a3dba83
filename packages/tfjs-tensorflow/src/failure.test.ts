import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { installedTfjsNode, Project } from './fixtures/project.js';
import { addonOf, noteFile } from './packages.js';

const cpu = '@tensorflow/tfjs-node';
const gpu = '@tensorflow/tfjs-node-gpu';

const hasCompiler = spawnSync('c++', ['--version']).status === 0;

let project: Project;
beforeEach(() => {
  project = new Project();
});
afterEach(() => {
  project.remove();
});

/** A shared library that has nothing in it but, if it is to be, the need of another. */
function makeLibrary(path: string, ...options: string[]): void {
  execFileSync('c++', ['-shared', '-o', path, '-x', 'c', '/dev/null', '-x', 'none', ...options], { stdio: 'pipe' });
}

describe('one line says what is missing and what would add it', () => {
  test('the package', () => {
    expect(project.load()).toBe(`EngineError: ${cpu} is not installed; add it with "npx bag-tensorflow"`);
    expect(project.load({ gpu: true })).toBe(
      `EngineError: ${gpu} is not installed; add it with "npx bag-tensorflow --gpu"`,
    );
  });

  test('the addon, after an installation whose script did not run', () => {
    project.addUnbuilt(cpu);
    expect(project.load()).toBe(
      `EngineError: ${cpu} has no addon: its installation did not finish; build it with "npx bag-tensorflow"`,
    );
  });

  test.skipIf(!hasCompiler)('a library that the addon needs', () => {
    const folder = project.addUnbuilt(cpu);
    const library = join(folder, 'deps', 'lib', 'libtensorflow_framework.so.2');
    makeLibrary(library, '-Wl,-soname,libtensorflow_framework.so.2');
    makeLibrary(addonOf(folder), '-Wl,--no-as-needed', library);
    rmSync(library);
    expect(project.load()).toBe(
      `EngineError: ${cpu} does not find libtensorflow_framework.so.2; build it with "npx bag-tensorflow"`,
    );
  });

  test('an addon that is cut off, or of another system', () => {
    const folder = project.addUnbuilt(cpu);
    writeFileSync(addonOf(folder), 'MZ');
    expect(project.load()).toBe(
      `EngineError: ${cpu} has a library that is damaged or for another system; build it with "npx bag-tensorflow" again`,
    );
  });

  test('CUDA, where the library is for processors only', () => {
    const folder = project.addUnbuilt(gpu);
    writeFileSync(noteFile(folder), JSON.stringify({ tensorflow: '2.18.1' }));
    expect(project.load({ gpu: true })).toBe(
      `EngineError: ${gpu} has a TensorFlow 2.18.1 for processors only; get the one for CUDA with "npx bag-tensorflow --gpu"`,
    );
  });
});

const cuda = { tensorflow: '2.18.1', cuda: '12.5.1', cudnn: '9' };

test.skipIf(process.platform !== 'linux')('the driver', () => {
  const folder = project.addUnbuilt(gpu);
  writeFileSync(noteFile(folder), JSON.stringify(cuda));
  const message = project.load({ gpu: true });
  // Where there is a driver, the next thing is missing.
  expect(message).toMatch(
    /^EngineError: @tensorflow\/tfjs-node-gpu (finds no NVIDIA driver \(libcuda\.so\.1\); install NVIDIA's driver, version 525 or newer for CUDA 12; "nvidia-smi" then lists the GPU|has no addon)/,
  );
});

describe.skipIf(installedTfjsNode === undefined)('with the library for processors in place of the one for CUDA', () => {
  test.skipIf(!hasCompiler)('the libraries of CUDA are missed by name, and then the GPU', () => {
    const folder = project.addBuilt(gpu);
    rmSync(noteFile(folder), { force: true });
    writeFileSync(noteFile(folder), JSON.stringify(cuda));
    const drivers = join(project.folder, 'drivers');
    execFileSync('mkdir', [drivers]);
    makeLibrary(join(drivers, 'libcuda.so.1'));
    const path = { LD_LIBRARY_PATH: drivers };
    expect(project.load({ gpu: true }, path)).toBe(
      `EngineError: ${gpu} wants CUDA 12.5.1 and cuDNN 9 and does not find libcudart.so.12, libcublas.so.12, libcublasLt.so.12, libcufft.so.11, libcusolver.so.11, libcusparse.so.12, libcudnn.so.9; bring them with "npx bag-tensorflow --gpu --cuda", or install them and name their folder in LD_LIBRARY_PATH`,
    );
    for (const [home, ...names] of [
      ['cuda_runtime', 'libcudart.so.12'],
      ['cublas', 'libcublas.so.12', 'libcublasLt.so.12'],
      ['cufft', 'libcufft.so.11'],
      ['cusolver', 'libcusolver.so.11'],
      ['cusparse', 'libcusparse.so.12'],
      ['cudnn', 'libcudnn.so.9'],
    ] as const) {
      const lib = join(folder, 'deps', 'nvidia', home, 'lib');
      execFileSync('mkdir', ['-p', lib]);
      for (const name of names) makeLibrary(join(lib, name));
    }
    expect(project.load({ gpu: true }, path)).toBe(
      `EngineError: ${gpu} finds no GPU although the driver and CUDA 12.5.1 and cuDNN 9 are there; see "nvidia-smi" and CUDA_VISIBLE_DEVICES, and what it says with TF_CPP_MIN_LOG_LEVEL=0`,
    );
  });

  test('without --gpu it computes', () => {
    project.addBuilt(cpu);
    expect(JSON.parse(project.load())).toMatchObject({
      package: cpu,
      packageVersion: '4.22.0',
      gpu: false,
      product: 23,
    });
  });

  test('a lost library is missed by name', () => {
    const folder = project.addBuilt(cpu);
    rmSync(join(folder, 'deps', 'lib'), { recursive: true });
    expect(project.load()).toMatch(
      /^EngineError: @tensorflow\/tfjs-node does not find libtensorflow\S*; build it with "npx bag-tensorflow"$/,
    );
  });
});
