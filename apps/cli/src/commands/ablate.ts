import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { studyReport } from '@bag/report';
import { readStudyData, writeReport } from '@bag/report/node';
import { writeFileAtomically } from '@bag/trainer/node';
import { assignments, mergeConfigs, readConfigFile } from '../config/load.js';
import type { PartialConfig } from '../config/schema.js';
import { useEngine } from '../engines/use.js';
import { UsageError } from '../errors.js';
import { stoppable } from '../interrupt.js';
import { modelTitle } from '../network.js';
import { createFolder } from '../paths.js';
import { type PlannedRun, trainAll } from '../planned-runs.js';
import { duration, parseDuration } from '../duration.js';
import { withProgress } from '../progress.js';
import { type Estimate, estimated } from '../study/estimate.js';
import { shippedNames } from '../shipped.js';
import { inheritedKeys } from '../start.js';
import { configRows, paperRows, parseRows, type Row, slug } from '../study/rows.js';
import { type Cell, cells, type RowResult, stacks, type Study, summarise } from '../study/study.js';
import { table } from '../table.js';

export interface AblateFlags {
  data?: string;
  model?: string;
  epochs?: number;
  batch?: number;
  backend?: string;
  seed?: number;
  seeds?: number;
  budget?: string;
  teacher?: string;
  set?: string[];
  out?: string;
  dryRun?: boolean;
  json?: boolean;
}

export async function ablateCommand(configs: readonly string[], flags: AblateFlags): Promise<void> {
  const folder = flags.out ?? join('runs', `ablation-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}`);
  const saved = await readStudy(folder);
  const study = saved === undefined ? await newStudy(configs, flags) : await resumedStudy(saved, configs, flags);
  const budgetMs = budgetOf(flags);
  const [first] = cells(study, folder);
  await useEngine((first as Cell).config.backend);
  const results = await withProgress(async (progress) => {
    const plan = await estimated(study, folder, saved === undefined ? budgetMs : undefined, progress);
    progress.line(`${plan.runs.length} runs (${study.rows.length} rows × ${study.seeds.length} seeds) into ${folder}`);
    progress.line(`about ${duration(plan.totalMs)} for ${plan.epochs} epochs each`);
    if (flags.dryRun === true) {
      showPlan(plan, folder, flags);
      return undefined;
    }
    await createFolder(folder);
    const rows = plan.study.rows.map((row) => ({ ...row, folder: slug(row.name) }));
    await writeFileAtomically(studyFile(folder), `${JSON.stringify({ ...plan.study, rows }, null, 2)}\n`);
    const cost = (run: PlannedRun) => plan.ms.get(run.out) ?? 0;
    const done = await stoppable(progress, (signal) => trainAll(plan.runs, { progress, cost, signal }));
    if (done === undefined) {
      progress.line(`stopped; go on with: npx bag ablate --out ${folder}`);
      process.exitCode = 1;
    }
    return done;
  });
  if (results === undefined) return;
  const report = join(folder, 'report.html');
  await writeReport(await studyReport(await readStudyData(folder)), report);
  const byFolder = new Map(cells(study, folder).map((cell) => [cell.out, cell]));
  const rows = summarise(
    study,
    results.flatMap((result) => {
      const cell = byFolder.get(result.out);
      return cell === undefined ? [] : [{ ...result, row: cell.row }];
    }),
  );
  if (flags.json === true) console.log(JSON.stringify({ folder, rows }));
  else {
    console.log(`\n${table(['row', 'top-1 %', 'n', 'change', "paper's %"], rows.map(line))}`);
    console.log(`\nThe paper's figures are ResNet-50 on ImageNet at batch 1024 (baseline: 256).`);
    console.log(`The report:  ${report}`);
  }
}

function showPlan({ runs, ms, done, totalMs }: Estimate, folder: string, { json = false }: AblateFlags): void {
  const planned = runs.map(({ title, config, out }) => ({
    title,
    model: modelTitle(config),
    epochs: config.epochs,
    ms: ms.get(out) ?? 0,
    finished: done.has(out),
    out,
  }));
  if (json) {
    console.log(JSON.stringify({ folder, totalMs, runs: planned }));
    return;
  }
  const rows = planned.map(({ title, model, epochs, ms: time, finished }) => [
    ...[title, model, String(epochs)],
    finished ? 'finished' : duration(time),
  ]);
  console.log(table(['run', 'model', 'epochs', 'about'], rows));
}

function line({ row, mean, deviation, top1 }: RowResult, i: number, rows: RowResult[]): string[] {
  const before = rows[i - 1]?.mean;
  const change = before === undefined ? '' : `${mean >= before ? '+' : '−'}${Math.abs(mean - before).toFixed(2)}`;
  const value = top1.length > 1 ? `${mean.toFixed(2)} ± ${deviation.toFixed(2)}` : mean.toFixed(2);
  return [row.name, value, String(top1.length), change, row.paper?.toFixed(2) ?? ''];
}

const studyFile = (folder: string) => join(folder, 'study.json');

async function readStudy(folder: string): Promise<Study | undefined> {
  const text = await readFile(studyFile(folder), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Study;
  } catch {
    throw new UsageError(`${studyFile(folder)} is no JSON; name another --out`);
  }
}

function budgetOf({ budget, epochs }: AblateFlags): number | undefined {
  if (budget === undefined) return undefined;
  if (epochs !== undefined) throw new UsageError('--budget chooses the epochs; give --budget or --epochs, not both');
  const ms = parseDuration(budget);
  if (ms === undefined) throw new UsageError(`--budget expects a time such as 30m or 2h, got ${budget}`);
  return ms;
}

const seedsFrom = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);

async function newStudy(configs: readonly string[], flags: AblateFlags): Promise<Study> {
  const { base: fileBase, rows = [...paperRows] } = await baseAndRows(configs);
  const { data, model, epochs, batch, backend, set = [] } = flags;
  const keys = { model, epochs, batch, backend, ...(data !== undefined && { data: resolve(data) }) } as PartialConfig;
  const teacherConfig = flags.teacher === undefined ? await teacherOf(rows) : undefined;
  const base = mergeConfigs(fileBase, keys, ...(await assignments(set)));
  return {
    base,
    rows: await withInherited({ base, rows }),
    seeds: seedsFrom(flags.seed ?? 0, flags.seeds ?? 1),
    ...(flags.teacher !== undefined && { teacher: resolve(flags.teacher) }),
    ...(teacherConfig !== undefined && { teacherConfig }),
  };
}

/** One configuration is what all rows start from, and may list them; several are the rows. */
async function baseAndRows(configs: readonly string[]): Promise<{ base: PartialConfig; rows?: Row[] }> {
  const files = await Promise.all(configs.map(async (name) => ({ name, ...(await readConfigFile(name)) })));
  const [only] = files;
  if (files.length > 1) return { base: {}, rows: configRows(files) };
  if (only === undefined) return { base: {} };
  return { base: only.config, ...(only.ablation !== undefined && { rows: parseRows(only.ablation) }) };
}

/** Rows with what the weights that they start from bring with them. */
async function withInherited(study: Pick<Study, 'base' | 'rows'>): Promise<Row[]> {
  return Promise.all(
    stacks(study).map(async ({ row, said }) => {
      const inherited = await inheritedKeys(...said);
      return Object.keys(inherited).length === 0 ? row : { ...row, inherited };
    }),
  );
}

/** The configuration of the teacher that rows name by the shipped one that trains it. */
async function teacherOf(rows: readonly Row[]): Promise<PartialConfig | undefined> {
  const shipped = await shippedNames();
  const named = rows.flatMap(({ set }) => set.distillation?.teacher ?? []).filter((name) => shipped.includes(name));
  const names = [...new Set(named)];
  if (names.length > 1)
    throw new UsageError(`the rows want different teachers (${names.join(', ')}); give one with --teacher`);
  return names[0] === undefined ? undefined : (await readConfigFile(names[0])).config;
}

/** A study that is there already: rows and seeds may be added, nothing else. */
async function resumedStudy(saved: Study, configs: readonly string[], flags: AblateFlags): Promise<Study> {
  const { data, model, epochs, batch, teacher, set, budget } = flags;
  const given = Object.entries({ data, model, epochs, batch, teacher, set, budget }).filter(([, v]) => v !== undefined);
  if (given.length > 0) {
    const names = given.map(([name]) => `--${name}`).join(', ');
    throw new UsageError(`${names}: this study is begun, and only --seeds and rows may grow; choose another --out`);
  }
  const { rows: wanted } = await baseAndRows(configs);
  const rows = wanted === undefined ? saved.rows : await withInherited({ base: saved.base, rows: wanted });
  const lost = saved.rows.find(({ name }) => !rows.some((row) => row.name === name));
  if (lost !== undefined)
    throw new UsageError(`the row "${lost.name}" of this study is not in ${configs.join(', ')}; keep it`);
  const seeds = seedsFrom(flags.seed ?? saved.seeds[0] ?? 0, flags.seeds ?? saved.seeds.length);
  return { ...saved, rows, seeds };
}
