import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '@bag/trainer/node';
import { mergeConfigs, readConfigFile, resolveConfig } from './config/load.js';
import type { Config, PartialConfig } from './config/schema.js';
import { sizesOf } from './data.js';
import { type DemoSetting, demoConfigs, demoSettings } from './demo-settings.js';
import { duration } from './duration.js';
import { UsageError } from './errors.js';
import { newConfig } from './new-config.js';
import { finished, type PlannedRun } from './planned-runs.js';
import type { Progress } from './progress.js';
import { timeRuns } from './study/estimate.js';
import { defaultTeacher } from './study/study.js';

/** A full demo that takes longer gives way to the small one. */
const patienceMs = 4 * 60_000;

/** What a demo was begun with; one that goes on keeps it. */
export interface DemoChoices {
  setting?: DemoSetting | undefined;
  /** Of all three runs: the seed, the engine, whatever else is set. */
  keys: PartialConfig;
}

export interface DemoPlan {
  /** The teacher, the baseline, the bag. */
  runs: PlannedRun[];
  /** Expected milliseconds of a run that is not finished. */
  cost: (run: PlannedRun) => number;
}

/**
 * What was asked for over what the demo in a folder was begun with.
 * @throws UsageError where the folder holds no readable choices.
 */
export async function demoChoices(folder: string, { setting, keys }: DemoChoices): Promise<DemoChoices> {
  const text = await readFile(choicesFile(folder), 'utf8').catch(() => '{}');
  let begun: Partial<DemoChoices>;
  try {
    begun = JSON.parse(text) as Partial<DemoChoices>;
  } catch {
    throw new UsageError(`${choicesFile(folder)} is not JSON; remove it, or choose another --out`);
  }
  const known = demoSettings.find((one) => one === begun.setting);
  return { setting: setting ?? known, keys: mergeConfigs(begun.keys ?? {}, keys) };
}

/** The setting to train: the one that is chosen, else the full one, unless that takes too long. */
export function settingFor(chosen: DemoSetting | undefined, fullMs: number): DemoSetting {
  return chosen ?? (fullMs > patienceMs ? 'small' : 'full');
}

/** Plans the runs on the current engine, says how long they take, and keeps the choices in the folder. */
export async function planDemo(folder: string, choices: DemoChoices, progress: Progress): Promise<DemoPlan> {
  const { setting: chosen, keys } = choices;
  const first = await timed(folder, chosen ?? 'full', keys, progress);
  const setting = settingFor(chosen, first.totalMs);
  const plan = setting === (chosen ?? 'full') ? first : await timed(folder, setting, keys, progress);
  if (plan !== first) {
    progress.line(
      `the full demo would take about ${duration(first.totalMs)} here, so this is the small one; --setting full trains the full one`,
    );
  }
  await writeFileAtomically(choicesFile(folder), `${JSON.stringify({ setting, keys }, null, 2)}\n`);
  if (plan.open > 0) {
    const runs = plan.open === 1 ? 'one run' : `${plan.open} runs`;
    progress.line(`about ${duration(plan.totalMs)} for ${runs} on the embedded data set, into ${folder}`);
  }
  return plan;
}

const choicesFile = (folder: string) => join(folder, 'demo.json');

/** How many runs are open, and how long they take. */
interface TimedPlan extends DemoPlan {
  open: number;
  totalMs: number;
}

async function timed(
  folder: string,
  setting: DemoSetting,
  keys: PartialConfig,
  progress: Progress,
): Promise<TimedPlan> {
  const { config: student } = await readConfigFile(demoConfigs[setting]);
  const planned = (title: string, name: string, config: Config): PlannedRun => ({
    title,
    out: join(folder, name),
    config,
  });
  const teacher = planned('the teacher', 'teacher', defaultTeacher(student, keys));
  const baseline = planned("the paper's baseline", 'baseline', resolveConfig(student, keys, { recipe: 'baseline' }));
  const learning = [student, keys, { distillation: { teacher: teacher.out } }];
  const bag = planned('the whole bag', 'bag', await newConfig(learning, join(folder, 'bag')));
  const runs = [teacher, baseline, bag];
  const isFinished = await Promise.all(runs.map(finished));
  const open = runs.filter((_, i) => isFinished[i] === undefined);
  const cost = open.length === 0 ? () => 0 : await timeRuns(open, await sizesOf(bag.config), teacher.config, progress);
  return { runs, open: open.length, totalMs: open.reduce((sum, run) => sum + cost(run), 0), cost };
}
