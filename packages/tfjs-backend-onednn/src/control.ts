import process from 'node:process';
import type { HalfFormat } from './half.js';
import { native, type NativeMemory } from './native.js';

/** What a 16-bit format is here, besides storage. */
export interface HalfSupport {
  /** The instructions that convolutions compute in it by; null where all is computed in float32. */
  computedBy: 'AVX-512-BF16' | 'AMX' | null;
  /** What converts it from and to float32. */
  convertedBy: 'shifts' | 'F16C' | 'software';
}

export interface EngineInfo {
  /** Version of oneDNN, such as `3.2.0`. */
  oneDnnVersion: string;
  /** The widest instructions that oneDNN uses on this processor, such as `avx512_bf16`; `default` where it does not tell. */
  instructionSet: string;
  threads: number;
  halves: Record<HalfFormat, HalfSupport>;
}

/**
 * What the engine is made of.
 *
 * @example
 * info().oneDnnVersion; // '3.2.0'
 */
export function info(): EngineInfo {
  return {
    oneDnnVersion: native.oneDnnVersion,
    instructionSet: native.instructionSetName(native.instructionSet),
    threads: native.threads(),
    halves: {
      bfloat16: { computedBy: native.bfloat16Instructions(native.instructionSet) || null, convertedBy: 'shifts' },
      // The addon is compiled for F16C on x64 and would not have loaded without.
      float16: { computedBy: null, convertedBy: process.arch === 'x64' ? 'F16C' : 'software' },
    },
  };
}

/** The number of threads that kernels run on: `BAG_NUM_THREADS`, or all processors. */
export function threads(): number {
  return native.threads();
}

/**
 * Changes the number of threads. Results are the same for the same number.
 * @throws TypeError for a number that is none, or outside [1, 1024].
 * @example
 * setThreads(2);
 */
export function setThreads(count: number): void {
  if (!Number.isInteger(count)) throw new TypeError(`setThreads: expected a whole number, got ${count}`);
  native.setThreads(count);
}

/** Bytes of native memory, of the whole process. */
export function memory(): NativeMemory {
  return native.memory();
}

/**
 * Starts `peakBytesInUse` anew from what is in use now.
 *
 * @example
 * resetPeakMemory();
 * await trainStep();
 * memory().peakBytesInUse; // of that step
 */
export function resetPeakMemory(): void {
  native.resetPeak();
}

export interface MemoryLimits {
  /** The most bytes that tensors may take at once; more throws a RangeError. At the start the machine's memory. */
  inUse?: number;
  /** The most free bytes that are kept for reuse. At the start half of the machine's memory. */
  kept?: number;
}

/**
 * Bounds the native memory, of the whole process. A limit that is left out stays what it is.
 * @throws TypeError for what is no size.
 * @example
 * setMemoryLimits({ inUse: 2 ** 32, kept: 2 ** 30 });
 */
export function setMemoryLimits({ inUse, kept }: MemoryLimits): void {
  native.setLimits(inUse, kept);
}

/** Gives free memory back to the system. */
export function trimMemory(): void {
  native.trim();
}
