import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { EngineError } from './engine-error.js';
import { addonOf, noteOf, packageName, setUpCommand } from './packages.js';

/** What went wrong when an installed tfjs-node was loaded. */
export function describeFailure(error: unknown, { folder, gpu }: { folder: string; gpu: boolean }): EngineError {
  const name = packageName(gpu);
  const message = (error as Error).message;
  const fail = (reason: string, fix: string) => new EngineError(`${name} ${reason}`, fix, { cause: error });
  const build = `build it with "${setUpCommand(gpu)}"`;
  if (!existsSync(addonOf(folder))) return fail('has no addon: its installation did not finish', build);

  const [, module] = /Cannot find module '([^'.]+)'/.exec(message) ?? [];
  if (module !== undefined)
    return fail(`lacks the package ${module}`, 'install it anew with "npm install --ignore-scripts"');
  const [, library] = /(lib\S+\.so[.\d]*): cannot open shared object file/.exec(message) ?? [];
  if (library !== undefined) return fail(`does not find ${library}`, build);
  const [, glibc] = /version `(GLIBC(?:XX)?_[\d.]+)' not found/.exec(message) ?? [];
  if (glibc !== undefined)
    return fail(`needs ${glibc}, newer than this system's`, 'use a newer system, or another engine');
  if (/invalid ELF header|wrong ELF class|file too short|not a mach-o/.test(message)) {
    return fail('has a library that is damaged or for another system', `${build} again`);
  }
  if (/undefined symbol/.test(message)) return fail('was built for another TensorFlow', `${build} again`);
  return fail(`does not load: ${message.split('\n')[0] ?? ''}`, build);
}

/** The libraries that a TensorFlow for CUDA 12 opens when it looks for GPUs, and the folders that NVIDIA's wheels have. */
const cudaLibraries = {
  'libcudart.so.12': 'cuda_runtime',
  'libcublas.so.12': 'cublas',
  'libcublasLt.so.12': 'cublas',
  'libcufft.so.11': 'cufft',
  'libcusolver.so.11': 'cusolver',
  'libcusparse.so.12': 'cusparse',
  'libcudnn.so.9': 'cudnn',
};

/** Those of CUDA 11.2, which the library of tfjs-node-gpu's own installation opens. */
const olderLibraries = [
  'libcudart.so.11.0',
  'libcublas.so.11',
  'libcublasLt.so.11',
  'libcufft.so.10',
  'libcusolver.so.11',
  'libcusparse.so.11',
  'libcudnn.so.8',
];

/** @throws EngineError where there can be no GPU: the library is not for one, or there is no driver. */
export function requireDriver(folder: string): void {
  const note = noteOf(folder);
  const name = packageName(true);
  if (note !== undefined && note.cuda === undefined) {
    throw new EngineError(
      `${name} has a TensorFlow ${note.tensorflow} for processors only`,
      `get the one for CUDA with "${setUpCommand(true)}"`,
    );
  }
  if (!opens('libcuda.so.1')) {
    throw new EngineError(
      `${name} finds no NVIDIA driver (libcuda.so.1)`,
      `install NVIDIA's driver, version 525 or newer for CUDA 12; "nvidia-smi" then lists the GPU`,
    );
  }
}

/** Why TensorFlow found no GPU, where there is a driver. */
export function describeNoGpu(folder: string): EngineError {
  const note = noteOf(folder);
  const name = packageName(true);
  const wanted =
    note === undefined ? 'CUDA 11.2 and cuDNN 8.1' : `CUDA ${note.cuda ?? ''} and cuDNN ${note.cudnn ?? ''}`;
  const isThere = (library: string) => {
    const home = (cudaLibraries as Record<string, string>)[library];
    return (home !== undefined && existsSync(join(folder, 'deps', 'nvidia', home, 'lib', library))) || opens(library);
  };
  const missing = (note === undefined ? olderLibraries : Object.keys(cudaLibraries)).filter((one) => !isThere(one));
  if (missing.length > 0) {
    return new EngineError(
      `${name} wants ${wanted} and does not find ${missing.join(', ')}`,
      `bring them with "${setUpCommand(true)} --cuda", or install them and name their folder in LD_LIBRARY_PATH`,
    );
  }
  return new EngineError(
    `${name} finds no GPU although the driver and ${wanted} are there`,
    'see "nvidia-smi" and CUDA_VISIBLE_DEVICES, and what it says with TF_CPP_MIN_LOG_LEVEL=0',
  );
}

/** Whether the system's loader finds a library. It is no addon, which Node tells after it has been opened. */
function opens(library: string): boolean {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_LAZY);
    return true;
  } catch (error) {
    return !(error as Error).message.includes('cannot open shared object file');
  }
}
