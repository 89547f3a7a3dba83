import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { dawnFolder, Project } from '../fixtures/child.js';

const scratch = mkdtempSync(join(tmpdir(), 'bag-webgpu-'));
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

const start = 'await startWebGpu()';

describe('the package webgpu', () => {
  test('is not installed', () => {
    expect(new Project(null).failure(start)).toBe(
      'WebGpuError: the package webgpu is not installed; npm install webgpu',
    );
  });

  test('has nothing for the platform', () => {
    const elsewhere = "Object.defineProperty(process, 'arch', { value: 'riscv64' });";
    expect(new Project().failure(elsewhere + start)).toBe(
      `WebGpuError: the package webgpu has no binary for ${process.platform} on riscv64; ` +
        'use Linux or Windows on x64 or arm64, or macOS; or another engine here: wasm, onednn',
    );
  });

  test('does not load', () => {
    const broken = join(scratch, 'broken');
    const arch = process.platform === 'darwin' ? 'universal' : process.arch;
    const binary = join(broken, 'dist', `${process.platform}-${arch}`);
    mkdirSync(binary, { recursive: true });
    for (const file of ['package.json', 'index.js']) copyFileSync(join(dawnFolder, file), join(broken, file));
    writeFileSync(join(binary, 'dawn.node'), '');
    expect(new Project(broken).failure(start)).toMatch(
      /^WebGpuError: the package webgpu does not load on .* \(.*dawn\.node.*\); install it anew \(npm install webgpu\), or install the system library that it names$/,
    );
  });
});

describe.skipIf(process.platform !== 'linux')('Vulkan, on Linux', () => {
  const project = new Project();

  test('its loader is missing', () => {
    // What is no library is found first, and is as good as none.
    const folder = join(scratch, 'lib');
    mkdirSync(folder);
    writeFileSync(join(folder, 'libvulkan.so.1'), '');
    expect(project.failure(start, { LD_LIBRARY_PATH: folder })).toBe(
      `WebGpuError: Vulkan's loader is missing (${folder}/libvulkan.so.1: file too short); ` +
        'install it: libvulkan1 on Debian and Ubuntu, vulkan-loader on Fedora, vulkan-icd-loader on Arch',
    );
  });

  test('has no driver, as the one that is named is none', () => {
    const reason = project.failure(start, { VK_ICD_FILENAMES: '/none.json' });
    if (reason.includes("loader is missing")) return; // prettier-ignore
    expect(reason).toBe(
      'WebGpuError: no GPU was found; VK_ICD_FILENAMES names /none.json: name a driver that exists, or unset it',
    );
  });

  test('has no driver at all', () => {
    const nowhere = { VK_ICD_FILENAMES: undefined, XDG_DATA_DIRS: scratch, XDG_CONFIG_DIRS: scratch, HOME: scratch };
    const reason = project.failure(start, nowhere);
    // A machine with a driver in /etc or /usr has it all the same.
    if (reason === 'no error' || reason.includes('loader is missing')) return;
    expect(reason).toBe(
      'WebGpuError: no GPU was found; install a Vulkan driver (mesa-vulkan-drivers, or NVIDIA’s), or compute in software with ' +
        'SwiftShader: VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json, from the package chromium',
    );
  });
});
