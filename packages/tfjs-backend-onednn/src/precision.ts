import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Ambient, HalfFormat, Operation } from './half.js';
import { native } from './native.js';

/** Whether oneDNN has instructions for bfloat16 here: without them widening and computing in float32 is faster. */
const hasBfloat16 = native.bfloat16Instructions(native.instructionSet) !== '';

interface Stored {
  halfOf(dataId: object): HalfFormat | undefined;
  readonly resultFormat: HalfFormat | undefined;
}

/** The format in which all of these are stored. */
export function formatOf(backend: Stored, ...tensors: readonly (TensorInfo | undefined)[]): HalfFormat | undefined {
  const [first, ...others] = tensors
    .filter((tensor) => tensor !== undefined)
    .map(({ dataId }) => backend.halfOf(dataId));
  return others.every((half) => half === first) ? first : undefined;
}

/** The same, where the result is to be, too. */
export function storedAlike(backend: Stored, ...tensors: readonly (TensorInfo | undefined)[]): HalfFormat | undefined {
  const format = formatOf(backend, ...tensors);
  return format === backend.resultFormat ? format : undefined;
}

/** bfloat16 where all of these are stored in it and there are instructions to multiply it: else operands are widened first. */
export function bfloat16Of(backend: Stored, ...operands: readonly TensorInfo[]): HalfFormat | undefined {
  return hasBfloat16 && formatOf(backend, ...operands) === 'bfloat16' ? 'bfloat16' : undefined;
}

/**
 * What `@bag/mixed-precision` asks of an engine that stores 16 bits: the precision in force for the convolutions and
 * products of matrices of a forward pass. Everything else follows how its inputs are stored.
 */
export class Precision {
  readonly formats: readonly HalfFormat[] = ['bfloat16', 'float16'];
  #ambient: Ambient | undefined;

  /** The precision in force, if any. */
  get ambient(): Ambient | undefined {
    return this.#ambient;
  }

  /** Runs `f`, synchronously, with the format in force, but for the operations in `float32`. */
  autocast<T>(format: Ambient['format'], f: () => T, float32: Ambient['float32'] = nothing): T {
    const before = this.#ambient;
    this.#ambient = { format, float32 };
    try {
      return f();
    } finally {
      this.#ambient = before;
    }
  }
}

const nothing: ReadonlySet<Operation> = new Set();
