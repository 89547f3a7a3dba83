import { existsSync, readdirSync } from 'node:fs';

/** Where GPUs' drivers tell Vulkan's loader of themselves. */
const driverFolders = [
  '/usr/share/vulkan/icd.d',
  '/usr/local/share/vulkan/icd.d',
  '/etc/vulkan/icd.d',
  '/usr/local/etc/vulkan/icd.d',
];

/** SwiftShader, Vulkan on the processor, as it comes with browsers. */
const swiftShaders = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/lib/chromium-browser/vk_swiftshader_icd.json',
  '/usr/lib64/chromium-browser/vk_swiftshader_icd.json',
  '/opt/google/chrome/vk_swiftshader_icd.json',
];

/**
 * Lets WebGPU compute on the processor, by Chromium's SwiftShader, on a machine without a Vulkan driver. Must be called
 * before Vulkan is loaded; where VK_ICD_FILENAMES or a driver is there, it does nothing.
 */
export function useSoftwareVulkan(): void {
  if (process.env['VK_ICD_FILENAMES'] !== undefined || process.env['VK_DRIVER_FILES'] !== undefined) return;
  if (driverFolders.some((folder) => existsSync(folder) && readdirSync(folder).length > 0)) return;
  const found = swiftShaders.find((file) => existsSync(file));
  if (found !== undefined) process.env['VK_ICD_FILENAMES'] = found;
}
