import type { Losses } from './metrics.js';

/** What the trainer tells while it works. Steps and epochs count from 0; shares lie in [0, 1]. */
export type TrainEvent =
  | { kind: 'start'; epochs: number; stepsPerEpoch: number; fromEpoch: number; notes: string[] }
  | { kind: 'first-batch'; images: Float32Array; shape: [number, number, number, number] }
  | StepEvent
  /** The epoch's training is over: a checkpoint of this state goes on with its validation. */
  | { kind: 'trained'; epoch: number; step: number }
  | { kind: 'validation'; epoch: number; examples: number; total: number | undefined }
  | EpochEvent
  | { kind: 'stopped'; epoch: number; step: number };

export interface StepEvent extends TrainingScores {
  kind: 'step';
  epoch: number;
  step: number;
  /** Learning rate η of this update. */
  rate: number;
  /** Loss scale in force. */
  scale: number;
  /** Whether the update was skipped because a gradient overflowed. */
  skipped: boolean;
  examples: number;
  imagesPerSecond: number;
}

/** What training gives, on the examples as trained: the losses, and of a mixed example the share of its classes. */
export interface TrainingScores extends Losses {
  top1: number;
  top5: number;
}

export interface Scores {
  loss: number;
  top1: number;
  top5: number;
}

export interface EpochEvent {
  kind: 'epoch';
  epoch: number;
  /** Optimiser steps taken in all. */
  step: number;
  /** Means over the steps that were not skipped. */
  train: TrainingScores;
  /** Absent where there is no validation set. */
  validation?: Scores;
  /** Of the averaged weights, where averaging is on. */
  average?: Scores;
  seconds: number;
  imagesPerSecond: number;
  /** After the epoch: what does not grow from one epoch to the next does not leak. */
  memory: MemoryInUse;
}

/** What is alive between two epochs: weights, the state of optimiser and averages, data that is kept. */
export interface MemoryInUse {
  tensors: number;
  /** Bytes of the tensors' values. */
  bytes: number;
  /** What the engine has in use outside JavaScript, where it tells (`onednn` does). */
  nativeBytes?: number;
}
