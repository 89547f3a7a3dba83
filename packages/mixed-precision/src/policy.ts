import { engine } from '@tensorflow/tfjs-core';
import { Emulation } from './emulation.js';
import type { HalfFormat } from './formats.js';
import { synchronous } from './synchronous.js';

/**
 * The property by which an engine that stores tensors in 16 bits takes a policy over: `backend.precision`. Documented
 * for engine writers in this package's README.
 */
export interface EnginePrecision {
  /** The formats that it can store. */
  readonly formats: readonly HalfFormat[];
  /** Runs `f` with the format ambient for convolutions and products of matrices. */
  autocast<T>(format: HalfFormat, f: () => T): T;
}

/** How a training step computes. */
export interface Policy {
  readonly dtype: HalfFormat | 'float32';
  /** Whether 16-bit storage is emulated by exact rounding, because the engine has none. */
  readonly emulated: boolean;
  /**
   * Runs a whole step, backward pass included; loss and update inside are fp32. `f` is synchronous.
   * @throws TypeError where `f` returns a promise: what follows an `await` would be out of the policy's reach.
   */
  step<T>(f: () => T): T;
  /** Runs the forward pass, synchronously: convolutions and products of matrices take and give 16-bit values in it. */
  autocast<T>(f: () => T): T;
  /** One line for the log. */
  describe(): string;
}

/**
 * A precision policy for any network on any backend. Activations and the gradients of activations are 16-bit; weights
 * are fp32 masters, rounded at each use; BatchNorm statistics, losses, the gradients of weights, γ and β, and updates
 * are fp32. On an engine without 16-bit storage the values are rounded exactly as one with it would, and `describe`
 * says so; that costs time instead of saving it.
 *
 * @throws RangeError for another dtype.
 * Source: Micikevicius et al. 2017; He et al. 2018, section 3.2.
 * @example
 * const precision = policy({ dtype: 'float16' });
 * const { value, gradients } = precision.step(() =>
 *   valueAndGradients(() => scaledLoss(precision.autocast(() => network.apply(images, { training: true, statistics }))), parameters));
 */
export function policy({ dtype }: { dtype: HalfFormat | 'float32' }): Policy {
  if (dtype === 'float32') {
    return { dtype, emulated: false, step: (f) => f(), autocast: (f) => f(), describe: () => 'float32' };
  }
  if (dtype !== 'float16' && dtype !== 'bfloat16') {
    throw new RangeError(`policy: expected float32, float16 or bfloat16, got ${String(dtype)}`);
  }
  const { backendName } = engine();
  const native = (engine().backend as { precision?: EnginePrecision }).precision;
  if (native?.formats.includes(dtype) === true) {
    return {
      dtype,
      emulated: false,
      step: (f) => synchronous(f()),
      autocast: (f) => native.autocast(dtype, () => synchronous(f())),
      describe: () => `${dtype}, stored by the engine ${backendName}`,
    };
  }
  const emulation = new Emulation(dtype);
  return {
    dtype,
    emulated: true,
    step: (f) => emulation.step(f),
    autocast: (f) => emulation.autocast(f),
    describe: () =>
      `${dtype}, emulated: the engine ${backendName} stores 32 bits, so values are rounded exactly, which takes time`,
  };
}
