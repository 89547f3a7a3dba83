import { RunFolder } from '@bag/trainer/node';
import type { Config } from '../config/schema.js';
import { sizesOf } from '../data.js';
import { epochOf } from '../epoch.js';
import { UsageError } from '../errors.js';
import { planOf } from '../plan.js';
import { finished, type PlannedRun } from '../planned-runs.js';
import { duration } from '../duration.js';
import type { Progress } from '../progress.js';
import { readRun } from '../run.js';
import { requireStart } from '../start.js';
import { cells, type Study, teacherRun } from './study.js';
import { type ImageTimes, timedKind, timeImages } from './timing.js';

export interface Estimate {
  study: Study;
  runs: PlannedRun[];
  /** Of each run from its beginning, by its folder. */
  ms: Map<string, number>;
  /** Folders of the runs that have been trained. */
  done: Set<string>;
  /** What is left to do. */
  totalMs: number;
  epochs: number;
}

/** Times each kind of run, and with a budget chooses the epochs that fit. Finished runs cost nothing. */
export async function estimated(
  study: Study,
  folder: string,
  budgetMs: number | undefined,
  progress: Progress,
): Promise<Estimate> {
  const plan = runsOf(study, folder);
  const sizes = await sizesOf((plan[0] as PlannedRun).config);
  const teacherConfig = study.teacher === undefined ? teacherRun(study, folder)?.config : await configOf(study.teacher);
  await requireSound(plan, sizes);
  const cost = await timeRuns(plan, sizes, teacherConfig, progress);
  const total = (runs: readonly PlannedRun[]) => runs.reduce((sum, run) => sum + cost(run), 0);
  let fitted = study;
  if (budgetMs !== undefined) {
    // Rows that set their epochs themselves keep them.
    const short = runsOf({ ...study, base: { ...study.base, epochs: 1 } }, folder);
    const perEpoch = total(short.filter(({ config }) => config.epochs === 1));
    const most = Math.floor((budgetMs - total(short.filter(({ config }) => config.epochs !== 1))) / perEpoch);
    if (!(most >= 1)) {
      throw new UsageError(
        `one epoch each takes about ${duration(total(short))}; allow a larger --budget, or fewer rows`,
      );
    }
    fitted = { ...study, base: { ...study.base, epochs: most } };
  }
  const runs = runsOf(fitted, folder);
  await requireSound(runs, sizes);
  const ms = new Map(runs.map((run) => [run.out, cost(run)]));
  const known = await Promise.all(runs.map(finished));
  const done = new Set(known.flatMap((run) => run?.out ?? []));
  const open = runs.filter(({ out }) => !done.has(out));
  return { study: fitted, runs, ms, done, totalMs: total(open), epochs: (runs.at(-1) as PlannedRun).config.epochs };
}

/**
 * Times a few steps of each kind of run on the engine in use.
 * @param teacherConfig Of the teacher that runs with distillation learn from.
 * @returns The milliseconds that a run of these kinds takes from its beginning, whatever its epochs.
 */
export async function timeRuns(
  runs: readonly PlannedRun[],
  sizes: Awaited<ReturnType<typeof sizesOf>>,
  teacherConfig: Config | undefined,
  progress: Progress,
): Promise<(run: PlannedRun) => number> {
  const times = new Map<string, ImageTimes>();
  progress.start(runs.length);
  for (const [i, { config }] of runs.entries()) {
    const kind = timedKind(config);
    const teacher = config.distillation.teacher === null ? undefined : teacherConfig;
    if (!times.has(kind)) times.set(kind, await timeImages(config, sizes.classes, teacher));
    progress.update(i + 1, 'timing each kind of run');
  }
  progress.stop();
  return ({ config }) => runMs(config, times.get(timedKind(config)) as ImageTimes, sizes);
}

/** The study's own teacher, where it needs one, then its rows. */
function runsOf(study: Study, folder: string): PlannedRun[] {
  const teacher = teacherRun(study, folder);
  return [...(teacher === undefined ? [] : [teacher]), ...cells(study, folder)];
}

/** A row that cannot run is told before the first one does. */
async function requireSound(runs: readonly PlannedRun[], sizes: Awaited<ReturnType<typeof sizesOf>>): Promise<void> {
  const checked = new Set<string>();
  for (const { title, config } of runs) {
    // Seeds differ in nothing that could be wrong.
    const key = JSON.stringify({ ...config, seed: 0 });
    if (checked.has(key)) continue;
    checked.add(key);
    try {
      planOf(config, sizes);
      await requireStart(config);
    } catch (error) {
      throw new UsageError(`${title}: ${(error as Error).message}`, { cause: error });
    }
  }
}

async function configOf(run: string): Promise<Config> {
  return (await readRun(new RunFolder(run))).config;
}

/** Milliseconds of a whole run. */
export function runMs(
  config: Config,
  { trainingMs, evaluationMs }: ImageTimes,
  sizes: { train: number; validation: number },
): number {
  const { steps } = epochOf(config, sizes.train);
  const images = Math.min(sizes.train, steps * config.batch * config.accumulate);
  return config.epochs * (images * trainingMs + sizes.validation * evaluationMs);
}
