import { WebGpuError } from '../error.js';

/**
 * The GPU that Dawn offers first.
 * @throws WebGpuError if there is none, or if Vulkan, by which Dawn reaches it on Linux, is not installed.
 */
export async function requestAdapter(gpu: GPU, powerPreference: GPUPowerPreference): Promise<GPUAdapter> {
  let adapter: GPUAdapter | null;
  try {
    adapter = await gpu.requestAdapter({ powerPreference });
  } catch (error) {
    // Dawn lists the adapters when the one that was asked for by name is missing.
    const lines = (error as Error).message.split('\n').map((line) => line.replace(/^[\s*]+/, ''));
    throw new WebGpuError(
      `no such GPU (${lines.filter(Boolean).join(' ')})`,
      'leave the option `adapter` out, or take one of these names',
      { cause: error },
    );
  }
  if (adapter !== null) return adapter;
  const missing = process.platform === 'linux' ? whyNoVulkan() : undefined;
  if (missing !== undefined) {
    throw new WebGpuError(
      `Vulkan's loader is missing (${missing})`,
      'install it: libvulkan1 on Debian and Ubuntu, vulkan-loader on Fedora, vulkan-icd-loader on Arch',
    );
  }
  throw new WebGpuError('no GPU was found', whatHelps());
}

/** Why Vulkan's loader cannot be opened, in the words of the system's own; undefined where it can. */
function whyNoVulkan(): string | undefined {
  try {
    // It is no module of Node's, so this throws either way; but first it is opened as Dawn opens it.
    process.dlopen({ exports: {} }, 'libvulkan.so.1');
  } catch (error) {
    const { message } = error as Error;
    return message.includes('did not self-register') ? undefined : message;
  }
  return undefined;
}

function whatHelps(): string {
  if (process.platform !== 'linux') return "update the graphics card's driver";
  const icd = process.env['VK_ICD_FILENAMES'] ?? process.env['VK_DRIVER_FILES'];
  if (icd !== undefined) return `VK_ICD_FILENAMES names ${icd}: name a driver that exists, or unset it`;
  return (
    'install a Vulkan driver (mesa-vulkan-drivers, or NVIDIA’s), or compute in software with SwiftShader: ' +
    'VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json, from the package chromium'
  );
}
