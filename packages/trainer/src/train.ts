import { allFinite } from '@bag/mixed-precision';
import { createRandom } from '@bag/random';
import { dispose, memory, type MemoryInfo, nextFrame, type Tensor4D } from '@tensorflow/tfjs';
import { evaluate } from './evaluate.js';
import type { EpochEvent, MemoryInUse, Scores, TrainEvent, TrainingScores } from './events.js';
import { Metrics } from './metrics.js';
import { readAndDispose } from './read-and-dispose.js';
import { backward, type Backward } from './step.js';
import type { Tricks } from './tricks.js';
import type { Batch, NamedTensors, Network } from './types.js';

/** An optimiser in the style of `@bag/optim`: pure of state, which it is handed. */
export interface Optimizer<State extends { readonly step: number }> {
  /** η of an optimiser step. */
  rateAt(step: number): number;
  /** Assigns the parameters and returns the next state; the old one is used up. */
  update(gradients: NamedTensors, state: State, options?: { gradientScale?: number }): State;
  /** A step without an update: the schedule advances, nothing else changes. */
  skip(state: State): State;
}

/** A loss scaler in the style of `@bag/mixed-precision`. */
export interface Scaler<State extends { readonly scale: number }> {
  update(state: State, finite: boolean): State;
  /** Whether an overflow can still be answered by a smaller scale. */
  canBackOff(state: State): boolean;
}

/** An average of the weights in the style of `@bag/optim`. */
export interface Average<State> {
  update(state: State): State;
  /** Runs `f` with the averaged weights in the network's place. */
  using<T>(state: State, f: () => Promise<T>): Promise<T>;
}

/** Everything a run goes on from, at the end of an epoch. */
export interface TrainState<O, S, A> {
  /** Epochs finished. */
  epoch: number;
  optimizer: O;
  scaler?: S;
  average?: A;
  /** Of the epoch `epoch` where it is trained and not yet validated. */
  unvalidated?: TrainedEpoch;
}

/** What is known of an epoch before its validation. */
export interface TrainedEpoch {
  train: TrainingScores;
  seconds: number;
  imagesPerSecond: number;
}

export interface TrainOptions<O extends { readonly step: number }, S extends { readonly scale: number }, A> {
  network: Network;
  /** The training batches of an epoch, the same at every call: a list, or a stream. */
  batches: (epoch: number) => Iterable<Batch> | AsyncIterable<Batch>;
  /** Optimiser steps in an epoch. */
  stepsPerEpoch: number;
  /** The validation batches; absent where there are none. */
  validation?: (() => Iterable<Batch> | AsyncIterable<Batch>) | undefined;
  /** How many examples the validation has, for the progress. */
  validationSize?: number | undefined;
  epochs: number;
  optimizer: Optimizer<O>;
  scaler?: Scaler<S> | undefined;
  average?: Average<A> | undefined;
  state: TrainState<O, S, A>;
  tricks?: Tricks;
  /** Batches per optimiser step; their gradients add up. */
  accumulate?: number;
  seed: number;
  /** What the tricks did, told once at the start. */
  notes?: string[];
  /** Hears everything; awaited, so that a checkpoint is on disk before the validation or the next epoch begins. */
  onEvent?: (event: TrainEvent, state: TrainState<O, S, A>) => void | Promise<void>;
  /** Stops before the next step. A validation that has begun is finished first, so that its epoch is not lost. */
  signal?: AbortSignal | undefined;
}

/**
 * The loss, or a gradient, is no number any more, and no smaller loss scale can help.
 *
 * @example
 * if (error instanceof NonFiniteLossError) console.error(error.step, error.rate, error.scale);
 */
export class NonFiniteLossError extends Error {
  override readonly name = 'NonFiniteLossError';
  constructor(
    readonly step: number,
    readonly loss: number,
    readonly rate: number,
    readonly scale: number,
  ) {
    const lower = scale > 1 ? 'the loss scale or the learning rate,' : 'the learning rate';
    super(
      `${Number.isFinite(loss) ? 'a gradient is not finite' : `the loss is ${loss}`} at step ${step} ` +
        `(learning rate ${rate}, loss scale ${scale}); lower ${lower} or warm up longer`,
    );
  }
}

/**
 * Trains a network: for each epoch its batches, then the validation. A step is: mix → forward → loss → scale → backward →
 * finite check → update; a step that overflows changes neither weights, momentum, averages nor running statistics,
 * only the schedule goes on.
 *
 * @returns The state at the end, owned by the caller, and whether the signal stopped it before. One that was stopped in
 * the middle of an epoch has steps of it behind it: go on from the state of the last `trained` or `epoch` event instead.
 * @throws Error where an epoch has another number of steps than `stepsPerEpoch`; NonFiniteLossError where the loss or a gradient is not finite and the scaler cannot back off.
 * @example
 * const { state } = await train({ network, batches, stepsPerEpoch, epochs: 30, optimizer, state: start, seed: 0 });
 */
export async function train<O extends { readonly step: number }, S extends { readonly scale: number }, A>(
  options: TrainOptions<O, S, A>,
): Promise<{ state: TrainState<O, S, A>; stopped: boolean }> {
  const { epochs, stepsPerEpoch, notes = [], onEvent } = options;
  let { state } = options;
  await onEvent?.({ kind: 'start', epochs, stepsPerEpoch, fromEpoch: state.epoch, notes }, state);
  while (state.epoch < epochs) {
    const { epoch } = state;
    if (state.unvalidated === undefined) {
      const trained = await trainEpoch(options, state);
      state = trained.state;
      const { step } = state.optimizer;
      if (trained.result === undefined) {
        await onEvent?.({ kind: 'stopped', epoch, step }, state);
        return { state, stopped: true };
      }
      state = { ...state, unvalidated: trained.result };
      await onEvent?.({ kind: 'trained', epoch, step }, state);
    }
    const { unvalidated, ...validated } = state;
    const { seconds, ...trained } = unvalidated as TrainedEpoch;
    const startMs = performance.now();
    const scores = await validate(options, state, epoch);
    state = { ...validated, epoch: epoch + 1 };
    const event: EpochEvent = {
      kind: 'epoch',
      epoch,
      step: state.optimizer.step,
      ...trained,
      ...scores,
      seconds: seconds + (performance.now() - startMs) / 1e3,
      memory: memoryInUse(),
    };
    await onEvent?.(event, state);
  }
  return { state, stopped: false };
}

function memoryInUse(): MemoryInUse {
  const { numTensors, numBytes, native } = memory() as MemoryInfo & { native?: { bytesInUse: number } };
  return { tensors: numTensors, bytes: numBytes, ...(native && { nativeBytes: native.bytesInUse }) };
}

/** @returns No result where the signal stopped it. */
async function trainEpoch<O extends { readonly step: number }, S extends { readonly scale: number }, A>(
  options: TrainOptions<O, S, A>,
  state: TrainState<O, S, A>,
): Promise<{ state: TrainState<O, S, A>; result?: TrainedEpoch }> {
  const { batches, stepsPerEpoch, accumulate = 1, signal } = options;
  const startMs = performance.now();
  const startStep = state.optimizer.step;
  const metrics = new Metrics();
  let microbatches: Batch[] = [];
  const stepWith = async () => {
    state = await trainStep(options, state, microbatches, metrics);
    microbatches = [];
    // Synchronous engines never yield: without this, signals and decoding workers would starve.
    await nextFrame();
  };
  for await (const batch of batches(state.epoch)) {
    if (signal?.aborted) return { state };
    microbatches.push(batch);
    if (microbatches.length === accumulate) await stepWith();
  }
  if (microbatches.length > 0) await stepWith();
  const steps = state.optimizer.step - startStep;
  if (steps !== stepsPerEpoch) {
    throw new Error(
      `train: epoch ${state.epoch} had ${steps} steps, stepsPerEpoch says ${stepsPerEpoch}; schedules go by it`,
    );
  }
  const seconds = (performance.now() - startMs) / 1e3;
  return { state, result: { train: metrics.result(), seconds, imagesPerSecond: metrics.examples / seconds } };
}

async function trainStep<O extends { readonly step: number }, S extends { readonly scale: number }, A>(
  options: TrainOptions<O, S, A>,
  state: TrainState<O, S, A>,
  microbatches: Batch[],
  epochMetrics: Metrics,
): Promise<TrainState<O, S, A>> {
  const { network, optimizer, scaler, average, tricks = {}, seed, onEvent } = options;
  const { epoch } = state;
  const { step } = state.optimizer;
  const scale = state.scaler?.scale ?? 1;
  const startMs = performance.now();
  let firstBatch: { images: Promise<Float32Array>; shape: Tensor4D['shape'] } | undefined;
  const result = await backward({
    network,
    tricks,
    microbatches,
    lossScale: scale,
    epoch,
    random: (purpose, i) => createRandom({ seed, purpose: `${purpose}-${i}`, epoch, index: step }),
    ...(step === 0 && {
      onImages: (images: Tensor4D) => {
        firstBatch = { images: readAndDispose(images.clone()), shape: images.shape };
      },
    }),
  });
  const finite = Number.isFinite(result.losses.loss) && (await allFinite(Object.values(result.gradients)));
  if (!finite && !(scaler !== undefined && state.scaler !== undefined && scaler.canBackOff(state.scaler))) {
    release(result);
    throw new NonFiniteLossError(step, result.losses.loss, optimizer.rateAt(step), scale);
  }
  const next: TrainState<O, S, A> = {
    ...state,
    optimizer: finite
      ? optimizer.update(result.gradients, state.optimizer, { gradientScale: 1 / scale })
      : optimizer.skip(state.optimizer),
  };
  if (scaler !== undefined && state.scaler !== undefined) next.scaler = scaler.update(state.scaler, finite);
  if (finite) {
    result.statistics.commit();
    if (average !== undefined && state.average !== undefined) next.average = average.update(state.average);
  }
  release(result);

  const stepMetrics = new Metrics();
  for (const metrics of finite ? [stepMetrics, epochMetrics] : [stepMetrics]) {
    for (const { logits, truth } of result.predictions) metrics.add(result.losses, logits, truth);
  }
  if (firstBatch !== undefined) {
    const { images, shape } = firstBatch;
    await onEvent?.({ kind: 'first-batch', images: await images, shape }, next);
  }
  const scores = stepMetrics.result();
  const { examples } = stepMetrics;
  const imagesPerSecond = (examples / (performance.now() - startMs)) * 1e3;
  const rate = optimizer.rateAt(step);
  await onEvent?.(
    { kind: 'step', epoch, step, ...scores, rate, scale, skipped: !finite, examples, imagesPerSecond },
    next,
  );
  return next;
}

function release({ gradients, statistics }: Backward): void {
  dispose(gradients);
  statistics.discard();
}

async function validate<O extends { readonly step: number }, S extends { readonly scale: number }, A>(
  { network, validation, validationSize, average, onEvent }: TrainOptions<O, S, A>,
  state: TrainState<O, S, A>,
  epoch: number,
): Promise<{ validation?: Scores; average?: Scores }> {
  if (validation === undefined) return {};
  const score = async (): Promise<Scores> => {
    const onProgress = (examples: number) =>
      onEvent?.({ kind: 'validation', epoch, examples, total: validationSize }, state);
    const { loss, top1, top5 } = await evaluate(network, validation(), { onProgress });
    return { loss, top1, top5 };
  };
  const scores = await score();
  if (average === undefined || state.average === undefined) return { validation: scores };
  return { validation: scores, average: await average.using(state.average, score) };
}
