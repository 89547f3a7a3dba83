import { WebGpuError } from '../error.js';

/** What the npm package `webgpu` exports: Dawn, the WebGPU of Chrome, as a native module. */
export interface Dawn {
  create: (options: string[]) => GPU;
  globals: Readonly<Record<string, unknown>>;
}

/** @throws WebGpuError if the package `webgpu` is not installed, or has nothing for this platform. */
export async function loadDawn(): Promise<Dawn> {
  try {
    return (await import('webgpu')) as unknown as Dawn;
  } catch (error) {
    throw whyNoDawn(error as NodeJS.ErrnoException);
  }
}

function whyNoDawn(cause: NodeJS.ErrnoException): WebGpuError {
  const { code } = cause;
  const reason = cause.message.split('\n')[0] ?? '';
  const platform = `${process.platform} on ${process.arch}`;
  if (code === 'ERR_MODULE_NOT_FOUND' && /'webgpu'/.test(reason)) {
    return new WebGpuError('the package webgpu is not installed', 'npm install webgpu', { cause });
  }
  if (code === 'MODULE_NOT_FOUND' && reason.includes('dawn.node')) {
    return new WebGpuError(
      `the package webgpu has no binary for ${platform}`,
      'use Linux or Windows on x64 or arm64, or macOS; or another engine here: wasm, onednn',
      { cause },
    );
  }
  return new WebGpuError(
    `the package webgpu does not load on ${platform} (${reason})`,
    'install it anew (npm install webgpu), or install the system library that it names',
    { cause },
  );
}
