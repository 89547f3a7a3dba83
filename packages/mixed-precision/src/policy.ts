import { engine } from '@tensorflow/tfjs-core';
import { emulation } from './emulation.js';
import { registerProductGradient } from './product-gradient.js';
import { type HalfFormat, type Operation, operations } from './half.js';
import { synchronous } from './synchronous.js';

/**
 * The property by which an engine that stores tensors in 16 bits takes a policy over: `backend.precision`. Documented
 * for engine writers in this package's README.
 */
export interface EnginePrecision {
  /** The formats that it can store. */
  readonly formats: readonly HalfFormat[];
  /** Runs `f` with the format ambient for convolutions and products of matrices, but for those in `float32`. */
  autocast<T>(format: HalfFormat | 'float32', f: () => T, float32: ReadonlySet<Operation>): T;
}

const names = {
  float32: 'float32',
  float16: 'float16',
  bfloat16: 'bfloat16',
  fp32: 'float32',
  fp16: 'float16',
  bf16: 'bfloat16',
} as const;

/** A precision by its name, long or short. */
export type Precision = keyof typeof names;

export interface PolicyOptions {
  /** `'bfloat16'`, `'float16'` or `'float32'`; or `'bf16'`, `'fp16'`, `'fp32'`. */
  dtype: Precision;
  /** Operations whose operands are taken and whose results given in float32, in the gradient too; none by default. */
  float32?: readonly Operation[];
}

/** How a training step computes. */
export interface Policy {
  readonly dtype: HalfFormat | 'float32';
  /** Whether 16-bit storage is emulated by exact rounding, because the current engine has none. */
  readonly emulated: boolean;
  /**
   * Runs a whole step, backward pass included; loss and update inside are fp32. `f` is synchronous.
   * @throws TypeError where `f` returns a promise: what follows an `await` would be out of the policy's reach.
   */
  step<T>(f: () => T): T;
  /**
   * Runs the forward pass, or a part of it, synchronously: convolutions and products of matrices take and give 16-bit
   * values in it, those of a float32 policy float32 ones. Inside of another policy's, the inner one is in force; the
   * outer one comes back after it, after an error too.
   */
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
 * @throws RangeError for another dtype or operation.
 * Source: Micikevicius et al. 2017; He et al. 2018, section 3.2.
 * @example
 * const precision = policy({ dtype: 'fp16', float32: ['matMul'] });
 * const { value, gradients } = precision.step(() =>
 *   valueAndGradients(() => scaledLoss(precision.autocast(() => network.apply(images, { training: true, statistics }))), parameters));
 */
export function policy({ dtype: name, float32 = [] }: PolicyOptions): Policy {
  if (!Object.hasOwn(names, name)) {
    throw new RangeError(`policy: expected float32, float16 or bfloat16 (or fp32, fp16, bf16), got ${name}`);
  }
  const unknown = float32.find((operation) => !operations.includes(operation));
  if (unknown !== undefined) {
    throw new RangeError(`policy: float32 knows no operation ${unknown}; expected any of ${operations.join(', ')}`);
  }
  const dtype = names[name];
  const exceptions = new Set(float32);
  const but = float32.length === 0 ? '' : ` (${[...exceptions].join(', ')} in float32)`;
  if (dtype === 'float32') {
    return {
      dtype,
      emulated: false,
      step: (f) => f(),
      autocast: (f) => (enginePrecision() ?? emulation).autocast(dtype, () => synchronous(f()), exceptions),
      describe: () => dtype,
    };
  }
  const storing = () => {
    const native = enginePrecision();
    return native?.formats.includes(dtype) === true ? native : undefined;
  };
  return {
    dtype,
    get emulated() {
      return storing() === undefined;
    },
    step: (f) => {
      registerProductGradient();
      return storing() === undefined ? emulation.step(f) : synchronous(f());
    },
    autocast: (f) => {
      registerProductGradient();
      return (storing() ?? emulation).autocast(dtype, () => synchronous(f()), exceptions);
    },
    describe: () => {
      const { backendName } = engine();
      return storing() === undefined
        ? `${dtype}${but}, emulated: the engine ${backendName} stores 32 bits, so values are rounded exactly, which takes time`
        : `${dtype}${but}, stored by the engine ${backendName}`;
    },
  };
}

/** What the current engine offers. */
function enginePrecision(): EnginePrecision | undefined {
  return (engine().backend as { precision?: EnginePrecision }).precision;
}
