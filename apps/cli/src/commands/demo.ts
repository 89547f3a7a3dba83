import { join } from 'node:path';
import { comparison, parseNote, type RunData } from '@bag/report';
import { readRunData, writeReport } from '@bag/report/node';
import { accuracyPlot } from '../accuracy-plot.js';
import { assignments, mergeConfigs } from '../config/load.js';
import { demoChoices, planDemo } from '../demo-plan.js';
import type { DemoSetting } from '../demo-settings.js';
import { duration } from '../duration.js';
import type { EngineChoice } from '../engines/names.js';
import { useEngine } from '../engines/use.js';
import { stoppable } from '../interrupt.js';
import { createFolder } from '../paths.js';
import { type FinishedRun, trainAll } from '../planned-runs.js';
import { withProgress } from '../progress.js';
import { percent, table } from '../table.js';

export interface DemoFlags {
  out?: string;
  backend?: EngineChoice;
  seed?: number;
  setting?: DemoSetting;
  set?: string[];
}

/** The main job: the same small network with the paper's baseline and with the whole bag, on the embedded data set. */
export async function demoCommand({ out, backend, seed, setting, set = [] }: DemoFlags): Promise<void> {
  const folder = out ?? join('runs', `demo-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}`);
  const asked = mergeConfigs({ backend, seed }, ...(await assignments(set)));
  await createFolder(folder);
  const choices = await demoChoices(folder, { setting, keys: asked });
  await useEngine(choices.keys.backend ?? 'auto');
  const startMs = Date.now();
  const results = await withProgress(async (progress) => {
    const { runs, cost } = await planDemo(folder, choices, progress);
    return stoppable(progress, (signal) => trainAll(runs, { progress, cost, signal }));
  });
  if (results === undefined) {
    console.error(`stopped; go on with: npx bag demo --out ${folder}`);
    process.exitCode = 1;
    return;
  }
  const data = await Promise.all(results.map(({ title, out }) => readRunData(out, title)));
  const [, baseline, bag] = data as [RunData, RunData, RunData];
  console.log(`\nWhat each trick of the bag did\n${tricksTable(bag)}`);
  console.log(
    `\nTop-1 on the validation images after each epoch\n${accuracyPlot([baseline, bag].map(validationCurve))}`,
  );
  console.log(`\n${scoreTable(results)}`);
  console.log(`\n${verdict(results, bag)} (one seed; ${duration(Date.now() - startMs)} in all)`);
  const report = join(folder, 'report.html');
  await writeReport(await comparison(data, 'The baseline and the whole bag'), report);
  console.log(`The report, with curves and first batches:  ${report}`);
  console.log('Ten seeds of this, and what each trick adds:  docs/results.md');
  console.log('The same on your own images:  npx bag train --data FOLDER');
}

function tricksTable({ notes = [] }: RunData): string {
  const rows = notes.map(parseNote).map(({ subject, text }) => [subject, text]);
  return table(['trick', 'what it did'], rows);
}

const validationCurve = ({ name, epochs }: RunData) => ({
  name,
  values: epochs.map(({ average, validation }) => (average ?? validation)?.top1 ?? NaN),
});

function scoreTable(results: readonly FinishedRun[]): string {
  const rows = results.map(({ title, config, scores, seconds, out }) => [
    title,
    config.model,
    percent(scores.top1),
    percent(scores.top5),
    duration(seconds * 1000),
    out,
  ]);
  return table(['run', 'model', 'top-1', 'top-5', 'time', 'folder'], rows);
}

function verdict([, baseline, bag]: readonly FinishedRun[], { evaluation }: RunData): string {
  const points = ((bag?.scores.top1 ?? NaN) - (baseline?.scores.top1 ?? NaN)) * 100;
  const images = (evaluation?.examples ?? 0).toLocaleString('en-US');
  return `The bag is ${Math.abs(points).toFixed(2)} points ${points >= 0 ? 'above' : 'below'} the baseline on ${images} images that neither was trained on`;
}
