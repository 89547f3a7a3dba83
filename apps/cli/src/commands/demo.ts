import { join } from 'node:path';
import { countMultiplyAdds } from '@bag/network';
import { modelArchitecture } from '@bag/models';
import { comparison } from '@bag/report';
import { readRunData, writeReport } from '@bag/report/node';
import { readConfigFile, resolveConfig } from '../config/load.js';
import type { PartialConfig } from '../config/schema.js';
import { useEngine } from '../engines/use.js';
import { stoppable } from '../interrupt.js';
import { type PlannedRun, trainAll } from '../planned-runs.js';
import { createFolder } from '../paths.js';
import { duration } from '../duration.js';
import { withProgress } from '../progress.js';
import { percent, table } from '../table.js';
import { newConfig } from './train.js';

export interface DemoFlags {
  out?: string;
  backend?: string;
  seed?: number;
}

/** Few training images, so that generalisation is what is tested; the student is the shipped configuration `demo`. */
async function plannedRuns(folder: string, flags: PartialConfig): Promise<PlannedRun[]> {
  const { config: student } = await readConfigFile('demo');
  const teacher = join(folder, 'teacher');
  return [
    {
      title: 'the teacher',
      out: teacher,
      config: resolveConfig(student, { model: 'resnet14', epochs: 14, mixup: { alpha: 0 } }, flags),
    },
    {
      title: "the paper's baseline",
      out: join(folder, 'baseline'),
      config: resolveConfig(student, { recipe: 'baseline' }, flags),
    },
    {
      title: 'the whole bag',
      out: join(folder, 'bag'),
      config: await newConfig([student, { distillation: { teacher } }, flags], join(folder, 'bag')),
    },
  ];
}

/** Multiply-adds of a run, by which the time it takes is foreseen: a training image costs three forward passes. */
function cost({ config: { model, variant, epochs, synthetic, distillation } }: PlannedRun): number {
  const forward = (name: string) => countMultiplyAdds(modelArchitecture({ name, variant }));
  const images = epochs * (3 * synthetic.train + synthetic.validation);
  const teaching = distillation.teacher === null ? 0 : epochs * synthetic.train * forward('resnet14');
  return images * forward(model) + teaching;
}

/** The main job: the same small network with the paper's baseline and with the whole bag, on the embedded data set. */
export async function demoCommand({ out, backend = 'auto', seed = 0 }: DemoFlags): Promise<void> {
  const folder = out ?? join('runs', `demo-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}`);
  await createFolder(folder);
  const plan = await plannedRuns(folder, { backend, seed } as PartialConfig);
  await useEngine(plan[0]?.config.backend ?? 'auto');
  const startMs = Date.now();
  const results = await withProgress((progress) => {
    progress.line(`three runs on the embedded data set into ${folder}`);
    return stoppable(progress, (signal) => trainAll(plan, { progress, cost, signal }));
  });
  if (results === undefined) {
    console.error(`stopped; go on with: npx bag demo --out ${folder}`);
    process.exitCode = 1;
    return;
  }
  const rows = results.map(({ title, config, scores, seconds, out }) => [
    title,
    config.model,
    percent(scores.top1),
    percent(scores.top5),
    duration(seconds * 1000),
    out,
  ]);
  console.log(`\n${table(['run', 'model', 'top-1', 'top-5', 'time', 'folder'], rows)}`);
  const [, baseline, bag] = results.map(({ scores }) => scores.top1 * 100) as [number, number, number];
  console.log(
    `\nThe bag is ${Math.abs(bag - baseline).toFixed(2)} points ${bag >= baseline ? 'above' : 'below'} the baseline on ` +
      `${plan[1]?.config.synthetic.validation ?? 0} validation images (one seed; ${duration(Date.now() - startMs)} in all).`,
  );
  const data = await Promise.all(results.map(({ title, out }) => readRunData(out, title)));
  const report = join(folder, 'report.html');
  await writeReport(await comparison(data, 'The baseline and the whole bag'), report);
  console.log(`The report, with curves and first batches:  ${report}`);
  console.log(`The same on your own images:  npx bag train --data FOLDER`);
}
