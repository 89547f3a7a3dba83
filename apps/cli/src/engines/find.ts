import { existsSync } from 'node:fs';
import { UsageError } from '../errors.js';
import { type EngineChoice, gpuEngines, processorEngines } from './names.js';
import { probe } from './probe.js';
import { convolutionSpeed } from './speed.js';
import { startEngine } from './start.js';
import { type EngineStatus, missing } from './status.js';

/** An engine, and why that one. */
export interface Found {
  status: EngineStatus;
  why: string;
}

let automatic: Promise<Found> | undefined;

/** The engine that would be used: the one named, available or not, or what `auto` takes, which is found out once. */
export async function findEngine(choice: EngineChoice, threads?: number): Promise<Found> {
  if (choice !== 'auto') return { status: await probe(choice, threads), why: 'named with --backend' };
  return (automatic ??= firstChoice(threads));
}

/** A GPU where there is one that is faster, else the fastest engine for processors. */
async function firstChoice(threads: number | undefined): Promise<Found> {
  const gpu = hasGpu() ? await firstGpu() : undefined;
  const processor = await firstForProcessors(threads);
  return gpu === undefined ? processor : faster(gpu, processor);
}

/** Whether this machine has a GPU of any kind; drivers are asked only then, since they are slow and complain. */
function hasGpu(): boolean {
  if (process.platform !== 'linux') return true;
  return ['/dev/nvidia0', '/dev/kfd', '/dev/dri/renderD128', '/dev/dxg'].some(existsSync);
}

async function firstGpu(): Promise<EngineStatus | undefined> {
  for (const name of gpuEngines) {
    const status = await probe(name);
    if (status.available && status.software !== true) return status;
  }
  return undefined;
}

async function firstForProcessors(threads: number | undefined): Promise<Found> {
  let fastest: EngineStatus | undefined;
  for (const name of processorEngines) {
    const status = await probe(name, threads);
    fastest ??= status;
    if (!status.available) continue;
    return { status, why: status === fastest ? 'the fastest' : `${fastest.name} is missing: ${missing(fastest)}` };
  }
  throw new UsageError('no engine is available; run "npm ci" again');
}

const timingMs = 300;

async function faster(gpu: EngineStatus, processor: Found): Promise<Found> {
  const speeds: number[] = [];
  for (const status of [gpu, processor.status]) {
    await startEngine(status);
    speeds.push(await convolutionSpeed(timingMs));
  }
  return fasterOf(gpu, processor.status, speeds as [number, number]);
}

/** The engine with the higher speed, in GFLOP/s, and both speeds as the reason. */
export function fasterOf(gpu: EngineStatus, processor: EngineStatus, [ofGpu, ofProcessor]: [number, number]): Found {
  const figures = (mine: number, theirs: number, other: EngineStatus) =>
    `${mine.toFixed(0)} GFLOP/s in convolutions, ${other.name} ${theirs.toFixed(0)}`;
  return ofGpu > ofProcessor
    ? { status: gpu, why: figures(ofGpu, ofProcessor, processor) }
    : { status: processor, why: figures(ofProcessor, ofGpu, gpu) };
}
