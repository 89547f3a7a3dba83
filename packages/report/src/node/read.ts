import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import {
  type EpochRecord,
  type Evaluation,
  finalScores,
  type RunData,
  type StepRecord,
  type StudyData,
} from '../run-data.js';

/**
 * Reads the folder of a run, finished or not.
 * @throws Error naming what is missing or damaged.
 * @example
 * const run = await readRunData('runs/mine');
 */
export async function readRunData(folder: string, name = basename(resolve(folder))): Promise<RunData> {
  const saved = (await readJson(join(folder, 'config.json'), `is ${folder} the folder of a run?`)) as {
    config: Record<string, unknown>;
    classes: string[];
    versions?: Record<string, string>;
    notes?: string[];
  };
  const lines = await metricLines(join(folder, 'metrics.jsonl'));
  const evaluation = (await exists(join(folder, 'evaluation.json')))
    ? ((await readJson(join(folder, 'evaluation.json'), 'evaluate the run again')) as Evaluation)
    : undefined;
  const firstBatch = await readFile(join(folder, 'first-batch.png')).catch(() => undefined);
  const mistakes = (evaluation?.mistakes ?? []).map(({ file }) => readFile(join(folder, file)));
  return {
    name,
    folder,
    config: saved.config,
    classes: saved.classes,
    environment: saved.versions ?? {},
    ...(saved.notes !== undefined && { notes: saved.notes }),
    steps: lines.filter((line) => line['kind'] === 'step') as unknown as StepRecord[],
    epochs: lines.filter((line) => line['kind'] === 'epoch') as unknown as EpochRecord[],
    ...(firstBatch !== undefined && { firstBatch }),
    ...(evaluation !== undefined && { evaluation }),
    mistakeImages: await Promise.all(mistakes),
  };
}

/**
 * Whether a folder is that of an ablation study.
 *
 * @example
 * if (await isStudy(folder)) …
 */
export const isStudy = (folder: string): Promise<boolean> => exists(join(folder, 'study.json'));

/**
 * Reads the folder of an ablation study: its rows in their order, and every run of them that has begun.
 * @throws Error naming what is missing or damaged.
 * @example
 * const { rows } = await readStudyData('runs/ablation');
 */
export async function readStudyData(folder: string): Promise<StudyData> {
  const { rows } = (await readJson(join(folder, 'study.json'), `is ${folder} the folder of a study?`)) as {
    rows: { name: string; folder: string; paper?: number }[];
  };
  const results = [];
  for (const { name, folder: rowFolder, paper } of rows) {
    const path = join(folder, rowFolder);
    const seeds = (await readdir(path).catch(() => [])).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
    const top1: number[] = [];
    const runs: RunData[] = [];
    for (const seed of seeds) {
      if (!(await exists(join(path, seed, 'config.json')))) continue;
      const run = await readRunData(join(path, seed), `${name}, ${seed.replace('-', ' ')}`);
      runs.push(run);
      const scores = run.epochs.length === run.config['epochs'] ? finalScores(run) : undefined;
      if (scores !== undefined) top1.push(scores.top1 * 100);
    }
    results.push({ name, top1, runs, ...(paper !== undefined && { paper }) });
  }
  return { folder: relative('.', folder), rows: results };
}

async function readJson(path: string, hint: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) throw new Error(`${path} is missing; ${hint}`);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error(`${path} is no JSON; ${hint}`);
  }
}

/** A last line that is being written, or that a crash cut off, is left out. */
async function metricLines(path: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const whole = text
    .split('\n')
    .slice(0, -1)
    .filter((line) => line !== '');
  return whole.map((line) => JSON.parse(line) as Record<string, unknown>);
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
