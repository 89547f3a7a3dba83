import { RunFolder } from '@bag/trainer/node';
import type { Config } from '../config/schema.js';
import { sizesOf } from '../data.js';
import { epochOf } from '../epoch.js';
import { UsageError } from '../errors.js';
import { architectureOf, imageSizeOf } from '../network.js';
import { planOf } from '../plan.js';
import { finished, type PlannedRun } from '../planned-runs.js';
import { duration, type Progress } from '../progress.js';
import { readRun } from '../run.js';
import { cells, type Study, teacherRun } from './study.js';
import { type ImageTimes, timeImages } from './timing.js';

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
  requireSound(plan, sizes);
  const timed = new Map<string, ImageTimes>();
  progress.start(plan.length);
  for (const [i, { config }] of plan.entries()) {
    const kind = kindOf(config);
    const teacher = config.distillation.teacher === null ? undefined : teacherConfig;
    if (!timed.has(kind)) timed.set(kind, await timeImages(config, sizes.classes, teacher));
    progress.update(i + 1, 'timing each kind of run');
  }
  progress.stop();
  const cost = ({ config }: PlannedRun) => runMs(config, timed.get(kindOf(config)) as never, sizes);
  const total = (runs: PlannedRun[]) => runs.reduce((sum, run) => sum + cost(run), 0);
  let fitted = study;
  if (budgetMs !== undefined) {
    const { epochs } = (plan.at(-1) as PlannedRun).config;
    const most = Math.floor((epochs * budgetMs) / total(plan));
    if (most < 1) {
      throw new UsageError(
        `one epoch each takes about ${duration(total(plan) / epochs)}; allow a larger --budget, or fewer rows`,
      );
    }
    fitted = { ...study, base: { ...study.base, epochs: most } };
  }
  const runs = runsOf(fitted, folder);
  requireSound(runs, sizes);
  const ms = new Map(runs.map((run) => [run.out, cost(run)]));
  const known = await Promise.all(runs.map(finished));
  const done = new Set(known.flatMap((run) => run?.out ?? []));
  const open = runs.filter(({ out }) => !done.has(out));
  return { study: fitted, runs, ms, done, totalMs: total(open), epochs: (runs.at(-1) as PlannedRun).config.epochs };
}

/** The study's own teacher, where it needs one, then its rows. */
function runsOf(study: Study, folder: string): PlannedRun[] {
  const teacher = teacherRun(study, folder);
  return [...(teacher === undefined ? [] : [teacher]), ...cells(study, folder)];
}

/** A row that cannot run is told before the first one does. */
function requireSound(runs: readonly PlannedRun[], sizes: Awaited<ReturnType<typeof sizesOf>>): void {
  for (const { title, config } of runs) {
    try {
      planOf(config, sizes);
    } catch (error) {
      throw new UsageError(`${title}: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** What decides the time of an image. */
function kindOf(config: Config): string {
  const { precision, distillation, mixup, cutmix } = config;
  const { nodes } = architectureOf(config, 2);
  return JSON.stringify([
    ...[nodes, imageSizeOf(config), precision, distillation.teacher !== null],
    ...[mixup.alpha > 0, cutmix.alpha > 0],
  ]);
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

/** `30m`, `1h`, `90s`, `1h30m` in milliseconds. */
export function parseDuration(text: string): number | undefined {
  const match = /^(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?:in)?)?(?:(\d+(?:\.\d+)?)s)?$/.exec(text.trim());
  const [hours = 0, minutes = 0, seconds = 0] = (match ?? []).slice(1).map((part) => Number(part ?? 0));
  const ms = ((hours * 60 + minutes) * 60 + seconds) * 1000;
  return ms > 0 ? ms : undefined;
}
