import { add, mul, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import { checkStored, type NamedTensors, type Parameter, type StoredTensor, storeTensors } from './parameter.js';

export interface EmaOptions<P extends Parameter = Parameter> {
  /** What is averaged: a network's parameters, its running statistics included. */
  parameters: readonly P[];
  /** d, 0 < d < 1. */
  decay?: number;
  /** Whether early averages follow faster: d(t) = min(d, (1 + t)/(10 + t)). */
  warmup?: boolean;
}

/** What the average remembers. */
export interface EmaState {
  /** Updates so far. */
  readonly step: number;
  /** θ̄ by parameter name, each of its parameter's shape, float32; owned by the state. */
  readonly averages: NamedTensors;
}

/** The average as it lies in a checkpoint. */
export interface StoredEmaState {
  step: number;
  averages: Record<string, StoredTensor>;
}

/**
 * An exponential moving average of the weights: θ̄ ← d·θ̄ + (1 − d)·θ after each step, starting from θ itself. BatchNorm's
 * running statistics are averaged with the weights, as timm does, so that the averaged network is evaluated as it is.
 *
 * @throws RangeError for a decay outside (0, 1).
 * Source: Polyak & Juditsky 1992; the warmup is TensorFlow's.
 * @example
 * const average = ema({ parameters: network.parameters, decay: 0.999 });
 * let state = average.init();
 * state = average.update(state); // after each optimiser step
 * await average.using(state, () => evaluate(network, batches));
 */
export function ema<P extends Parameter>(options: EmaOptions<P>): Ema<P> {
  return new Ema(options);
}

/** What `ema` makes. */
export class Ema<P extends Parameter = Parameter> {
  readonly #parameters: readonly P[];
  readonly #decay: number;
  readonly #warmup: boolean;

  constructor({ parameters, decay = 0.9999, warmup = true }: EmaOptions<P>) {
    if (!(decay > 0 && decay < 1)) throw new RangeError(`ema: expected a decay in (0, 1), got ${decay}`);
    this.#parameters = parameters;
    this.#decay = decay;
    this.#warmup = warmup;
  }

  /** The parameters as they are now; the state owns its tensors. */
  init(): EmaState {
    const averages: NamedTensors = {};
    for (const { name, variable } of this.#parameters) averages[name] = mul(variable, 1);
    return { step: 0, averages };
  }

  /** d at an update, counted from 0. */
  decayAt(step: number): number {
    return this.#warmup ? Math.min(this.#decay, (1 + step) / (10 + step)) : this.#decay;
  }

  /**
   * Takes the parameters in and returns the next state; the old one's tensors are disposed.
   * @throws Error naming the parameters that the state does not know; nothing has been changed then.
   */
  update({ step, averages }: EmaState): EmaState {
    this.#check(averages);
    const decay = this.decayAt(step);
    const next: NamedTensors = {};
    for (const { name, variable } of this.#parameters) {
      const before = averages[name] as Tensor;
      next[name] = tidy(() => add(mul(before, decay), mul(variable, 1 - decay)));
      before.dispose();
    }
    return { step: step + 1, averages: next };
  }

  /** Runs `f` with the averages in the parameters' place, and puts the parameters back even if it throws. */
  async using<T>({ averages }: EmaState, f: () => Promise<T>): Promise<T> {
    this.#check(averages);
    const own = this.init();
    this.#assign(averages);
    try {
      return await f();
    } finally {
      this.#assign(own.averages);
      this.dispose(own);
    }
  }

  #assign(values: NamedTensors): void {
    for (const { name, variable } of this.#parameters) {
      const value = values[name] as Tensor;
      // A tensor of its own, since the variable shares the buffer of what it is assigned.
      tidy(() => variable.assign(mul(value, 1)));
    }
  }

  #check(averages: NamedTensors): void {
    const missing = this.#parameters.filter(({ name }) => averages[name] === undefined).map(({ name }) => name);
    if (missing.length > 0)
      throw new Error(`ema: the state does not know ${missing.join(', ')}; is it another network's?`);
  }

  /** Frees a state that is no longer needed. */
  dispose({ averages }: EmaState): void {
    for (const average of Object.values(averages)) average.dispose();
  }

  /** The state for a checkpoint: plain numbers and arrays. */
  async store({ step, averages }: EmaState): Promise<StoredEmaState> {
    return { step, averages: await storeTensors(averages) };
  }

  /**
   * The state of a checkpoint; it owns its tensors.
   * @throws Error naming the tensor that does not fit.
   */
  restore({ step, averages: stored }: StoredEmaState): EmaState {
    checkStored('ema', stored, this.#parameters);
    const averages: NamedTensors = {};
    for (const [name, { values, shape }] of Object.entries(stored)) averages[name] = tensor(values, shape);
    return { step, averages };
  }
}
