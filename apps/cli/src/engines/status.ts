import type { HalfSupport } from '@bag/tfjs-backend-onednn';
import type { EngineName } from './names.js';

/** An engine that could run the work. */
export interface EngineStatus {
  name: EngineName;
  available: boolean;
  version?: string;
  /** The GPU that it computes on. */
  device?: string;
  /** Whether that device is a program that plays a GPU. */
  software?: boolean;
  /** Threads that it computes with, and what says so, where it tells. */
  threads?: number;
  threadsFrom?: 'BAG_NUM_THREADS' | 'processors';
  /** The widest instructions that it uses. */
  instructionSet?: string;
  /** What it does with 16 bits, where it stores them. */
  halves?: Record<'bfloat16' | 'float16', HalfSupport>;
  /** The most memory that its tensors may take; of a GPU, that one tensor may. */
  memoryLimitBytes?: number;
  /** Why it is missing. */
  reason?: string;
  /** The command that would add it. */
  fix?: string;
}

/** An engine that is missing, from an error whose message is its reason and, behind a semicolon, what would help. */
export function missingBecause(name: EngineName, error: unknown, otherwise: string): EngineStatus {
  const [reason = 'unknown', ...fix] = firstLine(error).split('; ');
  return { name, available: false, reason, fix: fix.join('; ') || otherwise };
}

/** Why an engine is missing, and what would add it. */
export function missing({ reason = 'unknown', fix }: EngineStatus): string {
  return [reason, ...(fix === undefined ? [] : [fix])].join('; ');
}

/** An engine in a few words: `onednn (oneDNN 3.2.0, avx2, 2 threads)`. */
export function describe({ name, version, device, instructionSet, threads }: EngineStatus): string {
  const count = threads === undefined ? undefined : `${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  const details = [version, device, instructionSet, count].filter((part) => part !== undefined);
  return details.length === 0 ? name : `${name} (${details.join(', ')})`;
}

export function firstLine(error: unknown): string {
  return (error as Error).message.split('\n')[0] ?? '';
}
