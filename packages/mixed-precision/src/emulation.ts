import { engine, type NamedAttrMap, type NamedTensorMap, type Tensor } from '@tensorflow/tfjs-core';
import { liveValues } from './buffers.js';
import { roundArray } from './formats.js';
import { roundTo } from './round-to.js';
import { type Ambient, type HalfFormat, type Operation, type Plan, planFor, type Precisions } from './half.js';
import { synchronous } from './synchronous.js';

interface RunKernel {
  runKernel(name: string, inputs: NamedTensorMap, attributes?: NamedAttrMap): Tensor | Tensor[];
}

/**
 * Runs steps as an engine with 16-bit storage would: every kernel's result that such an engine would store in 16 bits
 * is rounded, exactly, before anyone sees it. It acts where all operations pass, the engine's `runKernel`, and only
 * while `step` runs; kernels that run inside of kernels are left alone.
 */
class Emulation implements Precisions {
  /** Tensors that would be stored in 16 bits, by the buffer that they share with their clones and views. */
  readonly #halves = new WeakMap<object, HalfFormat>();
  readonly #taken = new WeakMap<object, HalfFormat>();
  #ambient: Ambient | undefined;
  #running = false;
  #depth = 0;

  get ambient(): Ambient | undefined {
    return this.#ambient;
  }

  halfOf(dataId: object): HalfFormat | undefined {
    return this.#halves.get(dataId);
  }

  takenAs(dataId: object): HalfFormat | undefined {
    return this.#taken.get(dataId);
  }

  take(dataId: object, format: HalfFormat | undefined): void {
    if (format === undefined) this.#taken.delete(dataId);
    else this.#taken.set(dataId, format);
  }

  step<T>(f: () => T): T {
    if (this.#running) return synchronous(f());
    const target = engine() as unknown as RunKernel;
    const before = Object.getOwnPropertyDescriptor(target, 'runKernel');
    const original = target.runKernel.bind(target);
    target.runKernel = (name, inputs, attributes) => this.#run(original, name, inputs, attributes);
    this.#running = true;
    try {
      return synchronous(f());
    } finally {
      this.#running = false;
      // The class's own method comes back, or what had replaced it.
      if (before === undefined) delete (target as Partial<RunKernel>).runKernel;
      else Object.defineProperty(target, 'runKernel', before);
    }
  }

  autocast<T>(format: Ambient['format'], f: () => T, float32: ReadonlySet<Operation>): T {
    const before = this.#ambient;
    this.#ambient = { format, float32 };
    try {
      // Without 16 bits around there is nothing to emulate.
      return format === 'float32' && !this.#running ? synchronous(f()) : this.step(f);
    } finally {
      this.#ambient = before;
    }
  }

  #run(
    original: RunKernel['runKernel'],
    name: string,
    inputs: NamedTensorMap,
    attributes: NamedAttrMap | undefined,
  ): Tensor | Tensor[] {
    if (this.#depth > 0 || name === 'BagRoundTo' || name === 'Identity') {
      const results = original(name, inputs, attributes);
      // Also what the engine saves for the backward pass are clones, which are copies on some backends.
      if (name === 'Identity') this.#copyMarks(inputs['x'] as Tensor, results as Tensor);
      return results;
    }
    const plan = planFor(name, inputs, attributes, this);
    if (plan === undefined) return this.#inside(() => original(name, inputs, attributes));
    const rounded = this.#roundInputs(inputs, plan);
    try {
      const results = this.#inside(() => original(name, rounded, attributes));
      if (!Array.isArray(results)) return this.#store(results, 0, plan);
      return results.map((result, i) => this.#store(result, i, plan));
    } finally {
      // A tape needs the rounded operands for its backward pass; without one nobody does.
      if (!recording()) for (const [key] of plan.operands) if (rounded[key] !== inputs[key]) rounded[key]?.dispose();
    }
  }

  #inside<T>(f: () => T): T {
    this.#depth++;
    try {
      return f();
    } finally {
      this.#depth--;
    }
  }

  #copyMarks({ dataId: from }: Tensor, { dataId: to }: Tensor): void {
    const half = this.#halves.get(from);
    if (half !== undefined) this.#halves.set(to, half);
    const taken = this.#taken.get(from);
    if (taken !== undefined) this.#taken.set(to, taken);
  }

  /** Copies for the originals, which stay on the tape, so gradients reach the masters. A copy counts as its original. */
  #roundInputs(inputs: NamedTensorMap, { operands }: Plan): NamedTensorMap {
    const result: NamedTensorMap = { ...inputs };
    for (const [name, format] of operands) {
      const tensor = inputs[name];
      if (tensor?.dtype !== 'float32' || this.halfOf(tensor.dataId) === format) continue;
      const copy = roundTo(tensor, format);
      this.take(copy.dataId, format);
      result[name] = copy;
    }
    return result;
  }

  #store(result: Tensor, index: number, { format, outputs }: Plan): Tensor {
    if (format === undefined || outputs?.includes(index) === false) return result;
    if (result.dtype !== 'float32' || this.halfOf(result.dataId) === format) return result;
    const values = liveValues(result);
    const stored = values === undefined ? roundTo(result, format) : result;
    if (values !== undefined) roundArray(values, format);
    else if (!recording()) result.dispose();
    this.#halves.set(stored.dataId, format);
    return stored;
  }
}

const recording = (): boolean => engine().state.gradientDepth > 0;

/** One for all policies, so that they nest. */
export const emulation = new Emulation();
