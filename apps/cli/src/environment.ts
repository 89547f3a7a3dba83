import * as tf from '@tensorflow/tfjs';
import { cpus, totalmem } from 'node:os';
import { engineInUse } from './engines/use.js';

/** What a run is made with: versions, engine, hardware. */
export function environment(): Record<string, string> {
  const all = cpus();
  return {
    node: process.version,
    tfjs: tf.version['tfjs-core'],
    backend: tf.getBackend(),
    ...engineInUse(),
    platform: `${process.platform} ${process.arch}`,
    processor: `${all.length} × ${all[0]?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
  };
}
