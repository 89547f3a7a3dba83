import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { WebGpuError } from '../error.js';

/**
 * Whether Vulkan, by which Dawn reaches GPUs on Linux, can have a driver. Asked before Dawn is, which prints warnings of its
 * own where there is none.
 * @throws WebGpuError where Vulkan's loader or any driver for it is missing.
 */
export function requireVulkan(): void {
  if (process.platform !== 'linux') return;
  const reason = whyNoLoader();
  if (reason !== undefined) {
    throw new WebGpuError(
      `Vulkan's loader is missing (${reason})`,
      'install it: libvulkan1 on Debian and Ubuntu, vulkan-loader on Fedora, vulkan-icd-loader on Arch',
    );
  }
  if (!hasDriver()) throw noGpu();
}

export function noGpu(): WebGpuError {
  return new WebGpuError('no GPU was found', whatHelps());
}

/** Why Vulkan's loader cannot be opened, in the words of the system's own; undefined where it can. */
function whyNoLoader(): string | undefined {
  try {
    // It is no module of Node's, so this throws either way; but first it is opened as Dawn opens it.
    process.dlopen({ exports: {} }, 'libvulkan.so.1');
  } catch (error) {
    const { message } = error as Error;
    return message.includes('did not self-register') ? undefined : message;
  }
  return undefined;
}

/** The files that the environment names instead of all others. */
const named = () => process.env[namer()];
const namer = () => (process.env['VK_DRIVER_FILES'] === undefined ? 'VK_ICD_FILENAMES' : 'VK_DRIVER_FILES');

/** Whether there is a file that tells of a driver, in any place where Vulkan's loader looks. */
function hasDriver(): boolean {
  const files = named();
  if (files !== undefined) return files.split(':').some((file) => existsSync(file));
  if (process.env['VK_ADD_DRIVER_FILES'] !== undefined) return true;
  const { env } = process;
  const folders = [
    env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'),
    ...(env['XDG_CONFIG_DIRS'] ?? '/etc/xdg').split(':'),
    '/etc',
    '/usr/local/etc',
    env['XDG_DATA_HOME'] ?? join(homedir(), '.local/share'),
    ...(env['XDG_DATA_DIRS'] ?? '/usr/local/share:/usr/share').split(':'),
    '/usr/share',
    '/usr/local/share',
  ];
  return folders
    .map((folder) => join(folder, 'vulkan', 'icd.d'))
    .some((folder) => existsSync(folder) && readdirSync(folder).length > 0);
}

function whatHelps(): string {
  if (process.platform !== 'linux') return "update the graphics card's driver";
  const files = named();
  if (files !== undefined) return `${namer()} names ${files}: name a driver that exists, or unset it`;
  return (
    'install a Vulkan driver (mesa-vulkan-drivers, or NVIDIA’s), or compute in software with SwiftShader: ' +
    'VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json, from the package chromium'
  );
}
