import { RunFolder } from '@bag/trainer/node';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { assignments, differingKeys, readConfigFile, resolveConfig } from '../config/load.js';
import type { Config, PartialConfig } from '../config/schema.js';
import { classNames, sizesOf } from '../data.js';
import { engineInUse, useEngine } from '../engines/use.js';
import { UsageError } from '../errors.js';
import { stoppable } from '../interrupt.js';
import { modelTitle, requireActing } from '../network.js';
import { namesPrecision, resolveNew } from '../new-config.js';
import { shownPath } from '../paths.js';
import { describePlan, planOf } from '../plan.js';
import { withPrecision } from '../precision/choose.js';
import { precisionNote, precisionVersion } from '../precision/known.js';
import { sameResult } from '../planned-runs.js';
import { duration } from '../duration.js';
import { type Progress, say, withProgress } from '../progress.js';
import { readRun } from '../run.js';
import { givenWeights, requireStart } from '../start.js';
import { percent } from '../table.js';
import { requireTrainedTeacher, runTraining } from '../training.js';

export interface TrainFlags {
  data?: string;
  dataset?: 'synthetic';
  model?: string;
  variant?: string;
  recipe?: string;
  epochs?: number;
  batch?: number;
  backend?: string;
  precision?: string;
  seed?: number;
  teacher?: string;
  init?: string;
  freeze?: string[];
  set?: string[];
  out?: string;
  resume?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

const defaultFolder = 'runs';

export async function trainCommand(configPath: string | undefined, flags: TrainFlags): Promise<void> {
  const said = await configParts(configPath, flags);
  const out = flags.resume === true ? (flags.out ?? (await newestRun())) : flags.out;
  const resolved = flags.resume === true ? await resumedConfig(out as string, said) : await resolveNew(said);
  const precise = async () =>
    flags.resume === true ? resolved : withPrecision(resolved, { named: namesPrecision(said) });
  requireActing(flags, resolved);
  if (flags.resume !== true) await requireStart(resolved);
  if (flags.dryRun === true) {
    const config = await precise();
    // Where no engine had to be asked, there is nothing to say of it.
    if (engineInUse() !== undefined) say(precisionNote(config));
    const start = await givenWeights(config, await classNames(config));
    const plan = planOf(config, await sizesOf(config), start?.notes);
    if (flags.json === true) console.log(JSON.stringify({ config, plan, ...precisionVersion(config) }));
    else
      console.log(
        `${describePlan(config, plan)}${await paperLine(configPath)}\n\n# the configuration, whole\n${stringify(config)}`.trimEnd(),
      );
    return;
  }
  const folder = out ?? join(defaultFolder, runName(resolved));
  if (flags.resume !== true) await requireFresh(folder);
  await requireTrainedTeacher(resolved);

  await useEngine(resolved.backend);
  const config = await precise();
  await withProgress((progress) => trainInto(folder, config, flags, progress));
}

/** What the paper reports for a recipe of its tables. */
async function paperLine(configPath: string | undefined): Promise<string> {
  const { paper } = configPath === undefined ? {} : await readConfigFile(configPath);
  return typeof paper === 'number' ? `\nthe paper's  ${paper.toFixed(2)} % top-1 on ImageNet` : '';
}

async function trainInto(
  folder: string,
  config: Config,
  { resume = false, json = false }: TrainFlags,
  progress: Progress,
): Promise<void> {
  const data = config.data === null ? 'the embedded data set' : shownPath(config.data);
  progress.line(`training ${modelTitle(config)} on ${data}, into ${folder}`);
  let started = false;
  const { scores, stopped, seconds } = await stoppable(progress, (signal) =>
    runTraining({
      config,
      out: folder,
      resume,
      progress,
      signal,
      onShare: (share, text) => {
        if (!started) progress.start(1000, share * 1000);
        started = true;
        progress.update(share * 1000, text);
      },
      onEvent: (event) => {
        if (json && event.kind !== 'first-batch') console.log(JSON.stringify(event));
      },
    }),
  );
  progress.stop();
  if (stopped) {
    progress.line(`stopped; go on with: npx bag train --resume --out ${folder}`);
    process.exitCode = 1;
    return;
  }
  const result =
    scores === undefined
      ? ''
      : `: top-1 ${percent(scores.top1)}, top-5 ${percent(scores.top5)}, loss ${scores.loss.toFixed(4)}`;
  progress.line(`done in ${duration(seconds * 1000)}${result}`);
  progress.line(`the report: ${join(folder, 'report.html')}`);
  progress.line(`${folder}: try  npx bag eval ${folder}  or  npx bag predict ${folder} IMAGE`);
}

/** What the file and the flags say, in the order in which they override each other. */
export async function configParts(configPath: string | undefined, flags: TrainFlags): Promise<PartialConfig[]> {
  const file = configPath === undefined ? [] : [(await readConfigFile(configPath)).config];
  return [...file, ...(await flagParts(flags))];
}

async function flagParts(flags: TrainFlags): Promise<PartialConfig[]> {
  const { data, dataset, model, variant, recipe, epochs, batch, backend, precision, seed, teacher, init, freeze } =
    flags;
  if (data !== undefined && dataset !== undefined) {
    throw new UsageError('--data and --dataset name two data sets; give one of them');
  }
  const keys = {
    ...(data !== undefined && { data: resolve(data) }),
    ...(dataset !== undefined && { data: null }),
    ...(teacher !== undefined && { distillation: { teacher: resolve(teacher) } }),
    ...(init !== undefined && { init: resolve(init) }),
    freeze,
    model,
    variant,
    recipe,
    epochs,
    batch,
    backend,
    precision,
    seed,
  };
  return [keys as PartialConfig, ...(await assignments(flags.set ?? []))];
}

/** The saved configuration; what is said besides must agree with it, but for the engine. */
async function resumedConfig(out: string, said: PartialConfig[]): Promise<Config> {
  const { config } = await readRun(new RunFolder(out));
  const wanted = resolveConfig(config, ...said);
  const changed = differingKeys(config, wanted).filter((key) => !sameResult.has(key));
  if (changed.length > 0) {
    throw new UsageError(
      `${out} was started with another ${changed.join(', ')}; resume without it, or start a new run`,
    );
  }
  return wanted;
}

async function newestRun(): Promise<string> {
  const names = await readdir(defaultFolder).catch(() => []);
  const runs = await Promise.all(
    names.map(async (name) => {
      const path = join(defaultFolder, name);
      const config = await stat(join(path, 'config.json')).catch(() => undefined);
      return { path, time: config?.mtimeMs ?? 0 };
    }),
  );
  const newest = runs.filter(({ time }) => time > 0).sort((a, b) => b.time - a.time)[0];
  if (newest === undefined) throw new UsageError('--resume found no run in runs/; name one with --out');
  return newest.path;
}

async function requireFresh(folder: string): Promise<void> {
  if ((await stat(join(folder, 'config.json')).catch(() => undefined)) !== undefined) {
    throw new UsageError(`${folder} holds a run already; add --resume to go on with it, or choose another --out`);
  }
}

function runName(config: Config): string {
  const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  return `${modelTitle(config).replace(' ', '-')}-${config.recipe}-${time}`;
}
