import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { HalfSupport } from '@bag/tfjs-backend-onednn';
import * as tf from '@tensorflow/tfjs';
import { type EngineChoice, type EngineName, engineNames } from './engine-names.js';
import { UsageError } from './errors.js';
import { say } from './progress.js';

/** An engine that could run the work. */
export interface EngineStatus {
  name: EngineName;
  available: boolean;
  version?: string;
  /** Threads that it computes with, and what says so, where it tells. */
  threads?: number;
  threadsFrom?: 'BAG_NUM_THREADS' | 'processors';
  /** The widest instructions that it uses. */
  instructionSet?: string;
  /** What it does with 16 bits, where it stores them. */
  halves?: Record<'bfloat16' | 'float16', HalfSupport>;
  /** The most native memory that its tensors may take. */
  memoryLimitBytes?: number;
  /** Why it is missing. */
  reason?: string;
  /** The command that would add it. */
  fix?: string;
}

const load = createRequire(import.meta.url);
const again = 'run "npm ci" again';

const probes: Record<EngineName, () => Promise<EngineStatus>> = {
  onednn: probeOnednn,
  tensorflow: probeTensorflow,
  wasm: probeWasm,
  cpu: () => Promise.resolve({ name: 'cpu', available: true, version: tf.version_cpu }),
};

/** Loads an engine if it is installed. Nothing is changed, and a missing one is no error. */
async function probe(name: EngineName): Promise<EngineStatus> {
  // No warnings that another engine would be faster: `bag doctor` says so when asked.
  tf.enableProdMode();
  return probes[name]();
}

/** Loads each engine that is installed, the fastest first. */
export async function probeEngines(): Promise<EngineStatus[]> {
  const statuses = [];
  for (const name of engineNames) statuses.push(await probe(name));
  return statuses;
}

/**
 * Makes an engine current, and says which: the one named, which nothing stands in for, or the first available.
 * @param threads How many it is to compute with; by default as many as it takes by itself.
 * @throws UsageError with the reason and the command that would help, where the named one is missing.
 */
export async function useEngine(choice: EngineChoice, threads?: number): Promise<EngineStatus> {
  const { status, why } = await findEngine(choice);
  if (!status.available) throw new UsageError(`backend ${status.name} is not available: ${missing(status)}`);
  const engine = await withThreads(await startEngine(status), threads);
  say(`engine: ${describe(engine)}${why}`);
  return engine;
}

/** The engine that would be used: the one named, available or not, or the first that is, and why that one. */
export async function findEngine(choice: EngineChoice): Promise<{ status: EngineStatus; why: string }> {
  return choice === 'auto' ? firstAvailable() : { status: await probe(choice), why: '' };
}

/** Makes an available engine current; then it also tells its threads. */
export async function startEngine(status: EngineStatus): Promise<EngineStatus> {
  const { name } = status;
  if (!(await tf.setBackend(name))) {
    throw new UsageError(`backend ${name} failed to start; try another with --backend, or see "npx bag doctor"`);
  }
  await tf.ready();
  const threads = await threadsOf(name);
  return { ...status, ...(threads !== undefined && { threads }) };
}

async function withThreads(engine: EngineStatus, count: number | undefined): Promise<EngineStatus> {
  if (count === undefined || count === engine.threads) return engine;
  if (engine.name !== 'onednn') throw new UsageError(`the engine ${engine.name} has no choice of threads; onednn has`);
  const { setThreads, threads } = await import('@bag/tfjs-backend-onednn');
  setThreads(count);
  return { ...engine, threads: threads() };
}

/** Threads that a started engine computes with, where it tells. */
async function threadsOf(name: EngineName): Promise<number | undefined> {
  if (name === 'onednn') return (await import('@bag/tfjs-backend-onednn')).threads();
  if (name === 'wasm') return Math.max(1, (await import('@tensorflow/tfjs-backend-wasm')).getThreadsCount());
  return name === 'cpu' ? 1 : undefined;
}

async function firstAvailable(): Promise<{ status: EngineStatus; why: string }> {
  let fastest: EngineStatus | undefined;
  for (const name of engineNames) {
    const status = await probe(name);
    fastest ??= status;
    if (!status.available) continue;
    const why = status === fastest ? ', the fastest' : `; ${fastest.name} is missing: ${missing(fastest)}`;
    return { status, why };
  }
  throw new UsageError(`no engine is available; ${again}`);
}

/** Why an engine is missing, and what would add it. */
export function missing({ reason = 'unknown', fix }: EngineStatus): string {
  return [reason, ...(fix === undefined ? [] : [fix])].join('; ');
}

function describe({ name, version, instructionSet, threads }: EngineStatus): string {
  const count = threads === undefined ? undefined : `${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  return `${name} (${[version, instructionSet, count].filter((part) => part !== undefined).join(', ')})`;
}

async function probeOnednn(): Promise<EngineStatus> {
  try {
    const { info, memory } = await import('@bag/tfjs-backend-onednn');
    const { oneDnnVersion, instructionSet, threads, halves } = info();
    return {
      name: 'onednn',
      available: true,
      version: `oneDNN ${oneDnnVersion}`,
      threads,
      threadsFrom: process.env['BAG_NUM_THREADS'] === undefined ? 'processors' : 'BAG_NUM_THREADS',
      instructionSet,
      halves,
      memoryLimitBytes: memory().limit,
    };
  } catch (error) {
    // A wrong BAG_NUM_THREADS: another engine would not be what was asked for.
    if (error instanceof RangeError) throw new UsageError(error.message, { cause: error });
    // The package's own message ends with what to do.
    const [reason = 'unknown', fix = 'build it anew with "npm run setup"'] = firstLine(error).split('; ');
    return { name: 'onednn', available: false, reason, fix };
  }
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
      reasons.push(`${name} does not load: ${firstLine(error)}`);
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
    return { name: 'wasm', available: false, reason: firstLine(error), fix: again };
  }
}

function firstLine(error: unknown): string {
  return (error as Error).message.split('\n')[0] ?? '';
}
