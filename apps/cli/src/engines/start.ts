import * as tf from '@tensorflow/tfjs';
import { UsageError } from '../errors.js';
import { backendOf, type EngineName } from './names.js';
import type { EngineStatus } from './status.js';

/** Makes an available engine current; then it also tells its threads. */
export async function startEngine(status: EngineStatus): Promise<EngineStatus> {
  const { name } = status;
  if (!(await tf.setBackend(backendOf(name)))) {
    throw new UsageError(`backend ${name} failed to start; try another with --backend, or see "npx bag doctor"`);
  }
  await tf.ready();
  const threads = status.threads ?? (await threadsOf(name));
  return { ...status, ...(threads !== undefined && { threads }) };
}

/** Threads that a started engine computes with, where it tells. */
async function threadsOf(name: EngineName): Promise<number | undefined> {
  if (name === 'onednn') return (await import('@bag/tfjs-backend-onednn')).threads();
  if (name === 'wasm') return Math.max(1, (await import('@tensorflow/tfjs-backend-wasm')).getThreadsCount());
  return name === 'cpu' ? 1 : undefined;
}
