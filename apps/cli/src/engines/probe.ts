import * as tf from '@tensorflow/tfjs';
import { type EngineName, engineNames } from './names.js';
import { probeOnednn } from './onednn.js';
import type { EngineStatus } from './status.js';
import { probeTensorflow } from './tensorflow.js';
import { probeWasm } from './wasm.js';
import { probeWebgpu } from './webgpu.js';

const probes: Record<EngineName, (threads?: number) => Promise<EngineStatus>> = {
  'tensorflow-gpu': (threads) => probeTensorflow(true, threads),
  webgpu: probeWebgpu,
  onednn: probeOnednn,
  tensorflow: (threads) => probeTensorflow(false, threads),
  wasm: probeWasm,
  cpu: () => Promise.resolve({ name: 'cpu', available: true, version: tf.version_cpu }),
};

/** Loads an engine if it is installed; a missing one is no error. None becomes the current one that another was. */
export async function probe(name: EngineName, threads?: number): Promise<EngineStatus> {
  // No warnings that another engine would be faster: `bag doctor` says so when asked.
  tf.enableProdMode();
  return probes[name](threads);
}

/** Loads each engine that is installed. */
export async function probeEngines(): Promise<EngineStatus[]> {
  const statuses = [];
  for (const name of engineNames) statuses.push(await probe(name));
  return statuses;
}
