import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { UsageError } from '../errors.js';
import { type EngineStatus, missingBecause } from './status.js';

/** @param threads How many it is to compute with, where the environment does not say. */
export async function probeTensorflow(gpu: boolean, threads: number | undefined): Promise<EngineStatus> {
  const name = gpu ? 'tensorflow-gpu' : 'tensorflow';
  const { loadTensorFlow } = await import('@bag/tfjs-tensorflow');
  const count = threads ?? threadsFromEnvironment();
  try {
    const { tensorflowVersion } = loadTensorFlow({ gpu, ...(count !== undefined && { threads: count }) });
    return {
      name,
      available: true,
      version: `TensorFlow ${tensorflowVersion}`,
      ...(count !== undefined && { threads: count, ...(threads === undefined && { threadsFrom: 'BAG_NUM_THREADS' }) }),
      ...(gpu && { device: await nameOfGpu() }),
    };
  } catch (error) {
    return missingBecause(name, error, 'set it up anew with "npm run setup:tensorflow"');
  }
}

function threadsFromEnvironment(): number | undefined {
  const text = process.env['BAG_NUM_THREADS'];
  if (text === undefined) return undefined;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 1024) return count;
  throw new UsageError(`BAG_NUM_THREADS: expected a whole number from 1 to 1024, got "${text}"`);
}

/** What NVIDIA's tool says of the first GPU: TensorFlow computes on that one, and does not tell what it is. */
async function nameOfGpu(): Promise<string> {
  try {
    const query = ['--query-gpu=name,memory.total', '--format=csv,noheader'];
    const { stdout } = await promisify(execFile)('nvidia-smi', query);
    return stdout.split('\n')[0]?.trim() ?? 'a GPU';
  } catch {
    return 'a GPU that nvidia-smi does not tell';
  }
}
