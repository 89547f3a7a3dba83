import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '@bag/trainer/node';
import { readConfigFile, resolveConfig } from './config/load.js';
import type { Config, PartialConfig } from './config/schema.js';
import { newConfig } from './commands/train.js';
import { type DemoSetting, demoConfigs } from './demo-settings.js';
import { duration } from './duration.js';
import { finished, type PlannedRun } from './planned-runs.js';
import type { Progress } from './progress.js';
import { timeRuns } from './study/estimate.js';
import { defaultTeacher } from './study/study.js';

/** A full demo that takes longer gives way to the small one. */
const patienceMs = 4 * 60_000;

export interface DemoPlan {
  /** The teacher, the baseline, the bag. */
  runs: PlannedRun[];
  /** Expected milliseconds of a run that is not finished. */
  cost: (run: PlannedRun) => number;
  /** Of what is left to do. */
  totalMs: number;
}

/**
 * Plans the runs on the current engine and says how long they take. The full setting gives way to the small one where
 * nothing is said and it would take too long.
 * @param keys What all three runs have: the seed, the engine, whatever else is set.
 */
export async function planDemo(
  folder: string,
  asked: DemoSetting | undefined,
  keys: PartialConfig,
  progress: Progress,
): Promise<DemoPlan> {
  const setting = asked ?? (await startedSetting(folder));
  let plan = await timed(folder, setting ?? 'full', keys, progress);
  const fullMs = plan.totalMs;
  const isTooSlow = setting === undefined && fullMs > patienceMs;
  if (isTooSlow) {
    plan = await timed(folder, 'small', keys, progress);
    progress.line(
      `the full demo takes about ${duration(fullMs)} here; this is the small one (--setting full: the full one)`,
    );
  }
  const used = { setting: isTooSlow ? 'small' : (setting ?? 'full') };
  await writeFileAtomically(settingFile(folder), `${JSON.stringify(used)}\n`);
  if (plan.totalMs > 0) {
    progress.line(`about ${duration(plan.totalMs)} for three runs on the embedded data set, into ${folder}`);
  }
  return plan;
}

const settingFile = (folder: string) => join(folder, 'demo.json');

/** The setting of a demo that goes on. */
async function startedSetting(folder: string): Promise<DemoSetting | undefined> {
  const text = await readFile(settingFile(folder), 'utf8').catch(() => '{}');
  return (JSON.parse(text) as { setting?: DemoSetting }).setting;
}

async function timed(folder: string, setting: DemoSetting, keys: PartialConfig, progress: Progress): Promise<DemoPlan> {
  const { config: student } = await readConfigFile(demoConfigs[setting]);
  const planned = (title: string, name: string, config: Config): PlannedRun => ({
    title,
    out: join(folder, name),
    config,
  });
  const teacher = planned('the teacher', 'teacher', defaultTeacher(student, keys));
  const baseline = planned("the paper's baseline", 'baseline', resolveConfig(student, { recipe: 'baseline' }, keys));
  const learning = [student, { distillation: { teacher: teacher.out } }, keys];
  const bag = planned('the whole bag', 'bag', await newConfig(learning, join(folder, 'bag')));
  const runs = [teacher, baseline, bag];
  const isFinished = await Promise.all(runs.map(finished));
  const open = runs.filter((_, i) => isFinished[i] === undefined);
  const cost = await timeRuns(open, bag.config.synthetic, teacher.config, progress);
  return { runs, totalMs: open.reduce((sum, run) => sum + cost(run), 0), cost };
}
