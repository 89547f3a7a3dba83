import { batches, type Dataset } from '@bag/data';
import type { LossScalerState } from '@bag/mixed-precision';
import type { EmaState, SgdState } from '@bag/optim';
import {
  type EpochEvent,
  loadParameters,
  type Scores,
  storeParameters,
  train,
  type TrainedEpoch,
  type TrainEvent,
  type TrainingScores,
  type TrainState,
} from '@bag/trainer';
import { type Checkpoint, RunFolder, writeFirstBatch } from '@bag/trainer/node';
import { runReport } from '@bag/report';
import { readRunData, writeReport } from '@bag/report/node';
import { join } from 'node:path';
import type { Config } from './config/schema.js';
import {
  badImagesOf,
  evaluationBatchOf,
  hasValidation,
  missingValidation,
  openSplit,
  preprocessingOf,
} from './data.js';
import { environment, resumedWith } from './environment.js';
import { UsageError } from './errors.js';
import { evaluateInDetail, writeEvaluation } from './evaluation.js';
import { MetricsLog } from './metrics-log.js';
import { epochOf, take } from './epoch.js';
import { imageSizeOf, modelOf } from './network.js';
import { createFolder, shownPath } from './paths.js';
import { precisionVersion } from './precision/known.js';
import { precisionTimes } from './precision/measure.js';
import type { Progress } from './progress.js';
import { averageOf, optimizerOf, scalerOf, tricksOf } from './recipe.js';
import { shippedNames } from './shipped.js';
import { RunningMean } from './running-mean.js';
import { startNetwork } from './start.js';
import { fingerprint, loadRun, readRun, requireSameData } from './run.js';
import type { SavedRun } from './saved-run.js';
import { percent } from './table.js';

type State = TrainState<SgdState, LossScalerState, EmaState>;

/** What a checkpoint's `state.json` holds beside step and epoch. */
interface StoredState {
  scaler?: LossScalerState;
  averageStep?: number;
  unvalidated?: TrainedEpoch;
}

function plainPart({ epoch, optimizer, scaler, average, unvalidated }: State) {
  const state: StoredState = {
    ...(scaler && { scaler }),
    ...(average && { averageStep: average.step }),
    ...(unvalidated && { unvalidated }),
  };
  return { step: optimizer.step, epoch, state: { ...state } };
}

export interface TrainingOptions {
  config: Config;
  /** The run's folder. */
  out: string;
  /** Goes on from the newest checkpoint in `out`. */
  resume?: boolean;
  progress: Progress;
  /** Whether each epoch leaves a line; one run of many does not. */
  tellsEpochs?: boolean;
  /** How much of the run is done, in [0, 1]; called often. */
  onShare: (share: number, text: string) => void;
  onEvent?: (event: TrainEvent) => void;
  signal?: AbortSignal;
}

export interface TrainingResult {
  /** The last epoch's validation: of the averaged weights where there are any. */
  scores: Scores | undefined;
  /** Whether the signal stopped it before its end. */
  stopped: boolean;
  seconds: number;
}

/** Trains one run into its folder: metrics, checkpoints, the first batch as a picture. */
export async function runTraining(options: TrainingOptions): Promise<TrainingResult> {
  const { config, out, resume = false, progress, tellsEpochs = true, onShare, signal } = options;
  const startMs = Date.now();
  const folder = new RunFolder(out);
  const training = await openSplit(config, 'train', progress);
  const validation = (await hasValidation(config)) ? await openSplit(config, 'validation', progress) : undefined;
  if (validation === undefined) progress.line(`warning: ${await missingValidation(config)}, so nothing is validated`);
  const preprocessing = preprocessingOf(config);
  const { normalization } = preprocessing;

  const { steps: stepsPerEpoch, batches: batchesPerEpoch, dropLast } = epochOf(config, training.size);
  const checkpoint = resume
    ? await folder.readCheckpoint((message) => progress.line(`warning: ${message}`))
    : undefined;
  const { network, notes: startNotes } = await startNetwork(config, training.classes, {
    init: checkpoint === undefined,
  });
  if (!resume && config.precision !== 'fp32') await precisionTimes(config, config.precision);
  const teacher = await teacherOf(config, training);
  const { tricks, notes: trickNotes } = tricksOf(config, network, teacher);
  const notes = [...startNotes, ...trickNotes];
  const optimizer = optimizerOf(config, network, stepsPerEpoch);
  const average = averageOf(config, network);
  const scaler = scalerOf(config);
  let state: State = {
    epoch: 0,
    optimizer: optimizer.init(),
    ...(scaler !== undefined && { scaler: scaler.init() }),
    ...(average !== undefined && { average: average.init() }),
  };

  await createFolder(out);
  const images = { train: training.size, validation: validation?.size ?? 0, labels: fingerprint(training.labels) };
  if (checkpoint?.state['imported'] !== undefined) {
    throw new UsageError(`${out} holds imported weights, no run to go on with; start one: npx bag train --init ${out}`);
  }
  if (checkpoint !== undefined) {
    const saved = await readRun(folder);
    requireSameData(saved, { classes: training.classes, images });
    await folder.writeConfig({ ...saved, versions: resumedWith(saved.versions, environment()) });
    loadParameters(network, checkpoint.model);
    optimizer.dispose(state.optimizer);
    if (state.average !== undefined) average?.dispose(state.average);
    state = restore(checkpoint);
    const where =
      state.unvalidated === undefined ? `after epoch ${state.epoch}` : `at the validation of epoch ${state.epoch + 1}`;
    progress.line(`resumed ${where} (step ${checkpoint.step})`);
  } else {
    if (resume) progress.line('no checkpoint yet: the run starts from its beginning');
    // One that had begun keeps what was chosen and measured for it.
    const begun = await readRun(folder).catch(() => undefined);
    const versions =
      begun === undefined
        ? { ...environment(), ...precisionVersion(config) }
        : resumedWith(begun.versions, environment());
    const known = { config, classes: [...training.classes], images, versions };
    const saved: SavedRun = { ...known, notes: begun?.notes ?? notes };
    await folder.writeConfig(saved);
  }
  const metrics = await MetricsLog.open(folder, { step: state.optimizer.step, epoch: state.epoch });

  function restore(checkpoint: Checkpoint): State {
    const { scaler, averageStep, unvalidated } = checkpoint.state as StoredState;
    return {
      epoch: checkpoint.epoch,
      optimizer: optimizer.restore({ step: checkpoint.step, velocities: checkpoint.optimizer }),
      ...(scaler !== undefined && { scaler }),
      ...(average !== undefined &&
        checkpoint.ema !== undefined && {
          average: average.restore({ step: averageStep ?? 0, averages: checkpoint.ema }),
        }),
      ...(unvalidated !== undefined && { unvalidated }),
    };
  }

  async function save(at: State): Promise<void> {
    const stored = await optimizer.store(at.optimizer);
    const averaged = at.average === undefined ? undefined : await average?.store(at.average);
    await folder.writeCheckpoint({
      ...plainPart(at),
      model: await storeParameters(network),
      optimizer: stored.velocities,
      ...(averaged !== undefined && { ema: averaged.averages }),
    });
  }

  const bad = badImagesOf(training, config, (line) => progress.line(line));
  const badValidation = validation && badImagesOf(validation, config, (line) => progress.line(line));
  const evaluationBatch = evaluationBatchOf(preprocessing);
  // A validation image costs about a third of a training image.
  const validationCost = validation === undefined ? 0 : validation.size / 3 / (config.batch * config.accumulate);
  const epochCost = stepsPerEpoch + validationCost;
  const share = (epoch: number, inEpoch: number) => (epoch * epochCost + inEpoch) / (config.epochs * epochCost);
  let last: EpochEvent | undefined;
  const [loss, top1] = [new RunningMean(), new RunningMean()];

  const onEvent = async (event: TrainEvent, at: State): Promise<void> => {
    options.onEvent?.(event);
    switch (event.kind) {
      case 'start':
        for (const note of event.notes) progress.line(note);
        break;
      case 'first-batch':
        await writeFirstBatch(folder.firstBatchPath, event.images, event.shape, normalization);
        break;
      case 'step': {
        await metrics.step(event);
        const { epoch, step, rate, imagesPerSecond, skipped } = event;
        const text = `epoch ${epoch + 1}/${config.epochs}  step ${step + 1}/${config.epochs * stepsPerEpoch}  loss ${loss.add(event.loss).toFixed(3)}  top-1 ${percent(top1.add(event.top1))}  ${imagesPerSecond.toFixed(0)} images/s  rate ${rate.toFixed(4)}`;
        onShare(share(epoch, step - epoch * stepsPerEpoch + 1), text);
        if (skipped) progress.line(`step ${step} overflowed and was skipped; the loss scale is halved`);
        break;
      }
      case 'trained':
        await save(at);
        break;
      case 'validation':
        onShare(
          share(event.epoch, stepsPerEpoch + (validationCost * event.examples) / (event.total ?? event.examples)),
          `epoch ${event.epoch + 1}/${config.epochs}  validating`,
        );
        break;
      case 'epoch': {
        last = event;
        await metrics.epoch(event);
        await folder.updateCheckpoint(plainPart(at));
        if (!tellsEpochs) break;
        const shown = event.average ?? event.validation;
        const validated = shown === undefined ? '' : `, validation top-1 ${percent(shown.top1)}`;
        progress.line(
          `epoch ${event.epoch + 1}: loss ${shownLoss(event.train)}, training top-1 ${percent(event.train.top1)}${validated}, ${event.imagesPerSecond.toFixed(0)} images/s`,
        );
        break;
      }
      case 'stopped':
        break;
    }
  };

  const { state: end, stopped } = await train({
    network,
    batches: (epoch) =>
      take(
        batches({
          dataset: training,
          batchSize: config.batch,
          transform: preprocessing.train,
          normalization,
          seed: config.seed,
          epoch,
          shuffle: true,
          dropLast,
          badImages: bad,
        }),
        batchesPerEpoch,
      ),
    stepsPerEpoch,
    ...(validation !== undefined && {
      validation: () =>
        batches({
          dataset: validation,
          batchSize: evaluationBatch,
          transform: preprocessing.validation,
          normalization,
          seed: config.seed,
          ...(badValidation && { badImages: badValidation }),
        }),
      validationSize: validation.size,
    }),
    epochs: config.epochs,
    optimizer,
    scaler,
    average,
    state,
    tricks,
    accumulate: config.accumulate,
    seed: config.seed,
    notes,
    onEvent,
    signal,
  });
  if (!stopped && validation !== undefined) {
    const detail = () =>
      evaluateInDetail({
        network,
        dataset: validation,
        preprocessing,
        seed: config.seed,
        ...(badValidation && { badImages: badValidation }),
      });
    const evaluation = await (average !== undefined && end.average !== undefined
      ? average.using(end.average, detail)
      : detail());
    await writeEvaluation(out, evaluation, validation);
  }
  if (!stopped) await writeReport(await runReport(await readRunData(out)), join(out, 'report.html'));
  optimizer.dispose(end.optimizer);
  if (end.average !== undefined) average?.dispose(end.average);
  network.dispose();
  teacher?.dispose();
  await training.close?.();
  await validation?.close?.();
  return { scores: last?.average ?? last?.validation, stopped, seconds: (Date.now() - startMs) / 1000 };
}

/** With a teacher, both terms are told apart. */
function shownLoss({ loss, hard, soft }: TrainingScores): string {
  const terms =
    hard === undefined || soft === undefined ? '' : ` (labels ${hard.toFixed(3)}, teacher ${soft.toFixed(3)})`;
  return `${loss.toFixed(3)}${terms}`;
}

async function teacherOf(config: Config, training: Dataset) {
  const { distillation } = config;
  if (distillation.teacher === null) return undefined;
  await requireTrainedTeacher(config);
  const { network, run } = await loadRun(distillation.teacher);
  requireSamePreprocessing(distillation.teacher, run.config, config);
  if (run.classes.join() !== training.classes.join()) {
    throw new UsageError(
      `the teacher ${distillation.teacher} knows ${run.classes.length} classes (${run.classes.slice(0, 3).join(', ')}, …), ` +
        `the data has ${training.classes.length} (${training.classes.slice(0, 3).join(', ')}, …); train a teacher on the same classes`,
    );
  }
  return network;
}

/**
 * A shipped recipe names its teacher by the configuration that trains it.
 * @throws UsageError saying how to train it.
 */
export async function requireTrainedTeacher({ distillation: { teacher }, data }: Config): Promise<void> {
  if (teacher === null || !(await shippedNames()).includes(teacher)) return;
  const from = data === null ? '' : ` --data ${shownPath(data)}`;
  throw new UsageError(
    `the teacher is yet to be trained: npx bag train ${teacher}${from} --out runs/teacher, then give --teacher runs/teacher`,
  );
}

/** The teacher sees the student's images, so it must have been trained on such. */
function requireSamePreprocessing(path: string, teacher: Config, student: Config): void {
  const [theirs, ours] = [teacher, student].map((config) => `${modelOf(config).family}, ${imageSizeOf(config)} pixels`);
  if (theirs !== ours) {
    throw new UsageError(
      `the teacher ${path} was trained on other images (${theirs ?? ''}) than the student's (${ours ?? ''}); train one on the same`,
    );
  }
}
