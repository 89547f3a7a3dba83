import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { UsageError } from './errors.js';

/** An engine that could run the work. */
export interface EngineStatus {
  name: 'tensorflow' | 'wasm' | 'cpu';
  available: boolean;
  version?: string;
  /** Why it is missing. */
  reason?: string;
  /** The command that would add it. */
  fix?: string;
}

const order = ['tensorflow', 'wasm', 'cpu'] as const;
const load = createRequire(import.meta.url);

/** Loads each engine that is installed, the fastest first. Nothing is changed, and a missing one is no error. */
export async function probeEngines(): Promise<EngineStatus[]> {
  // No warnings that another engine would be faster: `bag doctor` says so when asked.
  tf.enableProdMode();
  return [await probeTensorflow(), await probeWasm(), { name: 'cpu', available: true, version: tf.version_cpu }];
}

/**
 * Makes an engine current: the one named, or the first available.
 * @throws UsageError with the reason and the command that would help, where the named one is missing.
 */
export async function useEngine(name: 'auto' | EngineStatus['name']): Promise<EngineStatus> {
  const statuses = await probeEngines();
  const chosen = order
    .map((candidate) => statuses.find((status) => status.name === candidate))
    .find((status) => (name === 'auto' ? status?.available : status?.name === name));
  if (chosen?.available !== true) {
    throw new UsageError(`backend ${name} is not available: ${chosen?.reason ?? 'unknown'}; ${chosen?.fix ?? ''}`);
  }
  if (!(await tf.setBackend(chosen.name))) {
    throw new UsageError(`backend ${chosen.name} failed to start; try --backend cpu, or "npx bag doctor"`);
  }
  await tf.ready();
  return chosen;
}

async function probeTensorflow(): Promise<EngineStatus> {
  const fix = 'add it with "npm install @tensorflow/tfjs-node" (or tfjs-node-gpu for CUDA 11.2)';
  const reasons: string[] = [];
  for (const name of ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node']) {
    try {
      load.resolve(name);
    } catch {
      continue;
    }
    try {
      await import(name);
      const { version } = load(`${name}/package.json`) as { version: string };
      return { name: 'tensorflow', available: true, version: `${name} ${version}` };
    } catch (error) {
      reasons.push(`${name} does not load: ${(error as Error).message.split('\n')[0] ?? ''}`);
    }
  }
  return { name: 'tensorflow', available: false, reason: reasons.join(' ') || 'tfjs-node is not installed', fix };
}

async function probeWasm(): Promise<EngineStatus> {
  try {
    const { setWasmPaths, version_wasm: version } = await import('@tensorflow/tfjs-backend-wasm');
    setWasmPaths(join(dirname(load.resolve('@tensorflow/tfjs-backend-wasm')), '/'));
    await import('@bag/tfjs-wasm-training');
    return { name: 'wasm', available: true, version };
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0] ?? '';
    return { name: 'wasm', available: false, reason, fix: 'run "npm ci" again' };
  }
}

/** Threads that the current engine computes with, where it tells. */
export async function threadsOf(name: EngineStatus['name']): Promise<number | undefined> {
  if (name === 'cpu') return 1;
  if (name !== 'wasm') return undefined;
  const { getThreadsCount } = await import('@tensorflow/tfjs-backend-wasm');
  return Math.max(1, getThreadsCount());
}
