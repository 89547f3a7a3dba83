import { existsSync } from 'node:fs';
import { UsageError } from '../errors.js';
import { type EngineChoice, gpuEngines, processorEngines } from './names.js';
import { probe } from './probe.js';
import { convolutionSpeed } from './speed.js';
import { startEngine } from './start.js';
import { type EngineStatus, firstLine, missing } from './status.js';

/** An engine, and why that one. */
export interface Found {
  status: EngineStatus;
  why: string;
}

let automatic: Promise<Found> | undefined;

/** The engine that would be used: the one named, available or not, or what `auto` takes, which is found out once. */
export async function findEngine(choice: EngineChoice, threads?: number): Promise<Found> {
  if (choice !== 'auto') return { status: await probe(choice, threads), why: 'named' };
  return (automatic ??= firstChoice(threads));
}

/** A GPU where there is one that is faster, else the fastest engine for processors. */
async function firstChoice(threads: number | undefined): Promise<Found> {
  const gpus = hasGpu() ? await probeGpus() : [];
  const gpu = gpus.find(({ available, software }) => available && software !== true);
  const processor = await firstForProcessors(threads);
  if (gpu !== undefined) return faster(gpu, processor);
  const webgpu = gpus.find(({ name, available }) => name === 'webgpu' && !available);
  if (webgpu === undefined) return processor;
  return { ...processor, why: `${processor.why}; webgpu is missing: ${missing(webgpu)}` };
}

/** Whether this machine has a GPU of any kind; drivers are asked only then, since they are slow and complain. */
function hasGpu(): boolean {
  if (process.platform !== 'linux') return true;
  return ['/dev/nvidia0', '/dev/kfd', '/dev/dri/renderD128', '/dev/dxg'].some(existsSync);
}

/** The engines for GPUs up to the first that is there. */
async function probeGpus(): Promise<EngineStatus[]> {
  const probed: EngineStatus[] = [];
  for (const name of gpuEngines) {
    const status = await probe(name);
    probed.push(status);
    if (status.available && status.software !== true) break;
  }
  return probed;
}

async function firstForProcessors(threads: number | undefined): Promise<Found> {
  let fastest: EngineStatus | undefined;
  for (const name of processorEngines) {
    const status = await probe(name, threads);
    fastest ??= status;
    if (!status.available) continue;
    const why = status === fastest ? fastestForProcessors : `${fastest.name} is missing: ${missing(fastest)}`;
    return { status, why };
  }
  throw new UsageError('no engine is available; run "npm ci" again');
}

const fastestForProcessors = 'the fastest for processors';
const timingMs = 300;

async function faster(gpu: EngineStatus, processor: Found): Promise<Found> {
  let ofGpu: number;
  try {
    await startEngine(gpu);
    ofGpu = await convolutionSpeed(timingMs);
  } catch (error) {
    return { ...processor, why: `${processor.why}; ${gpu.name} fails: ${firstLine(error)}` };
  }
  await startEngine(processor.status);
  return fasterOf(gpu, processor, [ofGpu, await convolutionSpeed(timingMs)]);
}

/** The engine with the higher speed, in GFLOP/s, and both speeds as the reason. */
export function fasterOf(gpu: EngineStatus, processor: Found, [ofGpu, ofProcessor]: [number, number]): Found {
  const { status, why } = processor;
  const figures = (mine: number, theirs: number, other: EngineStatus) =>
    `${mine.toFixed(0)} GFLOP/s in convolutions, ${other.name} ${theirs.toFixed(0)}`;
  const found =
    ofGpu > ofProcessor
      ? { status: gpu, why: figures(ofGpu, ofProcessor, status) }
      : { status, why: figures(ofProcessor, ofGpu, gpu) };
  return why === fastestForProcessors ? found : { ...found, why: `${found.why}; ${why}` };
}
