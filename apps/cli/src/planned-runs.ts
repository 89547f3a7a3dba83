import type { Scores } from '@bag/trainer';
import { RunFolder } from '@bag/trainer/node';
import { differingKeys } from './config/load.js';
import type { Config } from './config/schema.js';
import { missingValidation } from './data.js';
import { duration } from './duration.js';
import { UsageError } from './errors.js';
import { modelTitle } from './network.js';
import type { Progress } from './progress.js';
import { readRun } from './run.js';
import { percent } from './table.js';
import { runTraining } from './training.js';

/** One run of several that are made in a row. */
export interface PlannedRun {
  /** What a person calls it. */
  title: string;
  config: Config;
  /** Its folder. */
  out: string;
}

export interface FinishedRun extends PlannedRun {
  /** Of the last epoch's validation. */
  scores: Scores;
  /** Time of its training and validation, all parts of an interrupted run together. */
  seconds: number;
}

export interface TrainAllOptions {
  progress: Progress;
  /** Expected time of each run, in any unit. */
  cost: (run: PlannedRun) => number;
  signal: AbortSignal;
}

/**
 * Trains runs in a row: a finished one is not repeated, a started one goes on.
 * @returns All of them, or nothing where the signal stopped one.
 * @throws UsageError where a folder holds a run of another configuration, or there is nothing to validate on.
 */
export async function trainAll(
  plan: readonly PlannedRun[],
  { progress, cost, signal }: TrainAllOptions,
): Promise<FinishedRun[] | undefined> {
  const known = await Promise.all(plan.map(finished));
  const open = plan.filter((_, i) => known[i] === undefined);
  const total = open.reduce((sum, run) => sum + cost(run), 0);
  let before = 0;
  const results: FinishedRun[] = [];
  for (const [i, run] of plan.entries()) {
    const old = known[i];
    if (old !== undefined) {
      progress.line(`${i + 1}/${plan.length}: ${run.title} is finished already`);
      results.push(old);
      continue;
    }
    progress.line(`${i + 1}/${plan.length}: ${run.title} (${modelTitle(run.config)}, ${run.config.epochs} epochs)`);
    let started = false;
    const { stopped } = await runTraining({
      config: run.config,
      out: run.out,
      resume: (await new RunFolder(run.out).checkpointSteps()).length > 0,
      progress,
      signal,
      tellsEpochs: false,
      onShare: (share, text) => {
        // Not before: reading the images has a progress of its own.
        if (!started) progress.start(total, before + share * cost(run));
        started = true;
        progress.update(before + share * cost(run), `${i + 1}/${plan.length}  ${text}`);
      },
    });
    progress.stop();
    if (stopped) return undefined;
    const done = await finished(run);
    if (done === undefined) {
      throw new UsageError(`${run.title} has nothing to validate on: ${await missingValidation(run.config)}; add it`);
    }
    progress.line(`top-1 ${percent(done.scores.top1)} after ${duration(done.seconds * 1000)}`);
    before += cost(run);
    results.push(done);
  }
  return results;
}

/** The run as its folder has it, if it has been trained to its end. */
export async function finished(run: PlannedRun): Promise<FinishedRun | undefined> {
  const folder = new RunFolder(run.out);
  if ((await folder.checkpointSteps()).length === 0) return undefined;
  const changed = differingKeys((await readRun(folder)).config, run.config).filter((key) => !sameResult.has(key));
  if (changed.length > 0) {
    throw new UsageError(`${run.out} holds a run with another ${changed.join(', ')}; choose another --out`);
  }
  const epochs = (await folder.readMetrics()).filter(({ kind }) => kind === 'epoch') as unknown as EpochLine[];
  const last = epochs.find(({ epoch }) => epoch === run.config.epochs - 1);
  const scores = last?.average ?? last?.validation;
  if (scores === undefined) return undefined;
  return { ...run, scores, seconds: epochs.reduce((sum, { seconds }) => sum + seconds, 0) };
}

interface EpochLine {
  epoch: number;
  seconds: number;
  validation?: Scores;
  average?: Scores;
}

/** Keys that a run may go on with another value of. */
export const sameResult: ReadonlySet<string> = new Set(['backend', 'workers']);
