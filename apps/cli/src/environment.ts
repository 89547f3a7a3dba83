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

/** The same for a run that goes on: what has changed since, engine or version, stands behind what it was. */
export function resumedWith(before: Record<string, string>, now: Record<string, string>): Record<string, string> {
  const changed = Object.entries(now).filter(([key, value]) => !(before[key] ?? '').split(', then ').includes(value));
  const both = changed.map(([key, value]) => [key, key in before ? `${before[key] ?? ''}, then ${value}` : value]);
  return { ...before, ...(Object.fromEntries(both) as Record<string, string>) };
}
