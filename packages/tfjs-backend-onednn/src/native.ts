import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import process, { env } from 'node:process';
import { fileURLToPath } from 'node:url';

/** A block of native memory, named by a number that is never used twice. */
export type BlockId = number;

export interface NativeMemory {
  /** Bytes of live tensors and of what hangs on them. */
  bytesInUse: number;
  blocksInUse: number;
  /** Bytes that the system has given, free ones that are kept for reuse included. */
  bytesResident: number;
  /** The most bytes in use at once since `resetPeakMemory`. */
  peakBytesInUse: number;
  /** The most bytes that may be in use. */
  limit: number;
}

/** What native/addon.cc exports. All sizes in bytes. */
export interface Native {
  /** The arguments of the next `run`, shared with the native side. */
  readonly frame: Float64Array;
  /** The kernels' names; `run` takes their places in this list. */
  readonly kernels: readonly string[];
  readonly oneDnnVersion: string;
  /** The one that oneDNN uses, as oneDNN's bits. */
  readonly instructionSet: number;
  instructionSetName(set: number): string;
  /** Those of a set that multiply bfloat16; empty where there are none. */
  bfloat16Instructions(set: number): 'AVX-512-BF16' | 'AMX' | '';
  allocate(bytes: number, owner: number): BlockId;
  free(block: BlockId): void;
  newOwner(): number;
  freeOwned(owner: number): void;
  write(block: BlockId, values: ArrayBufferView): void;
  read(block: BlockId, values: ArrayBufferView): void;
  /** The memory itself; the buffer is emptied when the block is freed. */
  view(block: BlockId): ArrayBuffer;
  run(kernel: number, count: number): void;
  memory(): NativeMemory;
  resetPeak(): void;
  trim(): void;
  /** One that is undefined stays what it is. */
  setLimits(bytesInUse: number | undefined, freeBytesKept: number | undefined): void;
  threads(): number;
  setThreads(count: number): void;
}

/** What x86-64-v3 adds, which the addon is compiled for: on a processor without it, it would not fail but crash. */
const instructions = ['avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'movbe'];

function requireProcessor(): void {
  if (process.arch !== 'x64' || process.platform !== 'linux') return;
  const [, flags = ''] = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8')) ?? [];
  const missing = instructions.filter((name) => !flags.split(' ').includes(name));
  if (missing.length > 0) {
    throw new Error(`@bag/tfjs-backend-onednn: this processor lacks ${missing.join(', ')}; use the wasm backend`);
  }
}

function load(): Native {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  try {
    const require = createRequire(import.meta.url);
    // Another build of the addon, such as the one that sanitizers watch.
    const given = env['BAG_ONEDNN_ADDON'];
    if (given !== undefined) return require(given) as Native;
    const nodeGypBuild = require('node-gyp-build') as (folder: string) => unknown;
    return nodeGypBuild(root) as Native;
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0] ?? '';
    throw new Error(
      `the native part of @bag/tfjs-backend-onednn does not load: ${reason}; build it with "npm run build:native -w @bag/tfjs-backend-onednn" (needs a C++ compiler)`,
      { cause: error },
    );
  }
}

/**
 * Threads of OpenMP that have nothing to do give their processor away soon: Node has threads of its own that want it, for
 * decoding images above all. OpenMP reads this once, when it is loaded; child processes must not inherit it.
 */
function withShortSpin<T>(f: () => T): T {
  if (env['OMP_WAIT_POLICY'] !== undefined || env['GOMP_SPINCOUNT'] !== undefined) return f();
  env['GOMP_SPINCOUNT'] = '10000';
  try {
    return f();
  } finally {
    delete env['GOMP_SPINCOUNT'];
  }
}

requireProcessor();
export const native = withShortSpin(load);

const wanted = env['BAG_NUM_THREADS'];
if (wanted !== undefined) {
  const count = Number(wanted);
  if (!Number.isInteger(count) || count < 1 || count > 1024) {
    throw new RangeError(`BAG_NUM_THREADS: expected a whole number from 1 to 1024, got "${wanted}"`);
  }
  native.setThreads(count);
} else if (env['OMP_NUM_THREADS'] === undefined && native.threads() > availableParallelism()) {
  native.setThreads(availableParallelism());
}

// A container's share of the memory; 0, or more than there is, where there is no limit.
const share = process.constrainedMemory();
if (share > 0 && share < native.memory().limit) native.setLimits(share, share / 2);
