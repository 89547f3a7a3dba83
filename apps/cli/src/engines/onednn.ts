import { UsageError } from '../errors.js';
import { type EngineStatus, missingBecause } from './status.js';

export async function probeOnednn(): Promise<EngineStatus> {
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
    return missingBecause('onednn', error, 'build it anew with "npm run setup"');
  }
}
