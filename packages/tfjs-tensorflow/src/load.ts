import { createRequire } from 'node:module';
import process from 'node:process';
import { engine, removeBackend, setBackend } from '@tensorflow/tfjs-core';
import { describeFailure, describeNoGpu, requireDriver } from './failure.js';
import { EngineError } from './engine-error.js';
import { correctKernels } from './kernels/register.js';
import { findPackage, packageName, type PackageName, setUpCommand, versionOf } from './packages.js';
import { restoreUtil } from './shim.js';

export interface TensorFlowOptions {
  /** Load tfjs-node-gpu, and refuse to go on without a GPU. */
  gpu?: boolean;
  /** Threads of one operation; by default as many as TensorFlow takes. Only the first load in a process can choose. */
  threads?: number;
}

export interface TensorFlowEngine {
  package: PackageName;
  packageVersion: string;
  /** The version of the library that computes. */
  tensorflowVersion: string;
  /** Whether it computes on a GPU. */
  gpu: boolean;
}

/** What tfjs-node's backend tells of itself. */
interface NodeBackend {
  isUsingGpuDevice: boolean;
  binding: { TF_Version: string };
}

const load = createRequire(import.meta.url);
let loaded: PackageName | undefined;

/**
 * Loads tfjs-node (with `gpu` tfjs-node-gpu), registers its backend `tensorflow`, corrects its kernels for training, and
 * leaves a current backend current. Node's `util` gets back what tfjs-node calls and Node 23 has removed. TensorFlow
 * grows its share of a GPU's memory as it needs it (TF_FORCE_GPU_ALLOW_GROWTH) and keeps its notices and warnings to itself
 * (TF_CPP_MIN_LOG_LEVEL), unless the environment says otherwise.
 *
 * @returns What was loaded. The backend belongs to TensorFlow.js.
 * @throws EngineError with the reason in one line, and the command that would change it: not installed, not built, a
 * library missing or for another system, with `gpu` no GPU or no CUDA.
 * @example
 * loadTensorFlow();
 * await tf.setBackend('tensorflow');
 */
export function loadTensorFlow({ gpu = false, threads }: TensorFlowOptions = {}): TensorFlowEngine {
  const name = packageName(gpu);
  const folder = findPackage(name, import.meta.url);
  if (folder === undefined) throw new EngineError(`${name} is not installed`, `add it with "${setUpCommand(gpu)}"`);
  if (loaded !== undefined && loaded !== name) {
    throw new EngineError(
      `this process has loaded ${loaded}, and holds one TensorFlow at most`,
      'use it in a process of its own',
    );
  }
  // A TensorFlow without a device would only be in the way of another.
  if (gpu) requireDriver(folder);
  restoreUtil();
  setDefault('TF_FORCE_GPU_ALLOW_GROWTH', 'true');
  setDefault('TF_CPP_MIN_LOG_LEVEL', '2');
  if (threads !== undefined) process.env['TF_NUM_INTRAOP_THREADS'] = String(threads);
  keepingBackend(() => {
    try {
      load(folder);
    } catch (error) {
      throw describeFailure(error, { folder, gpu });
    }
  });
  const backend = engine().findBackend('tensorflow') as unknown as NodeBackend;
  if (gpu && !backend.isUsingGpuDevice) {
    // Another TensorFlow may take its place.
    removeBackend('tensorflow');
    throw describeNoGpu(folder);
  }
  loaded = name;
  correctKernels();
  return {
    package: name,
    packageVersion: versionOf(folder),
    tensorflowVersion: backend.binding.TF_Version,
    gpu: backend.isUsingGpuDevice,
  };
}

function setDefault(name: string, value: string): void {
  process.env[name] ??= value;
}

/** tfjs-node makes itself the current backend when it is loaded. */
function keepingBackend(work: () => void): void {
  const { backendName } = engine() as { backendName: string | undefined };
  work();
  if (backendName !== undefined && backendName !== 'tensorflow') void setBackend(backendName);
}
