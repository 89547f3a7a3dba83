import { RunFolder } from '@bag/trainer/node';
import { storeParameters } from '@bag/trainer';
import { basename, extname, join } from 'node:path';
import { useEngine } from '../engines/use.js';
import { type ForeignOptions, foreignRun } from '../foreign-weights.js';
import { modelTitle } from '../network.js';
import { createFolder, requireAbsent } from '../paths.js';
import { withProgress } from '../progress.js';
import { networkOf } from '../run.js';
import { readWeightsFile } from '../weights.js';

export interface ImportFlags extends ForeignOptions {
  out?: string;
  json?: boolean;
}

/** Makes a run of weights from elsewhere, for eval, predict, export, --teacher and --init. */
export async function importCommand(path: string, { out, json, ...options }: ImportFlags): Promise<void> {
  const folder = out ?? join('runs', basename(path, extname(path)));
  await requireAbsent(join(folder, 'config.json'), folder);
  const weights = await readWeightsFile(path);
  const { run, notes: assumed } = await foreignRun(path, weights, options);
  await useEngine('auto');
  const { network, notes: fitted } = networkOf(run, weights, path);
  const notes = [...fitted, ...assumed];
  await withProgress(async (progress) => {
    for (const note of notes) progress.line(note);
    await createFolder(folder);
    const target = new RunFolder(folder);
    const model = await storeParameters(network);
    await target.writeCheckpoint({ step: 0, epoch: 0, model, optimizer: {}, state: { imported: basename(path) } });
    await target.writeConfig(run);
  });
  const { parameterCount } = network;
  network.dispose();
  const { classes } = run;
  if (json === true) {
    const { format } = weights;
    console.log(
      JSON.stringify({ folder, format, model: run.config.model, parameters: parameterCount, classes, notes }),
    );
    return;
  }
  console.log(
    `${modelTitle(run.config)}, ${parameterCount.toLocaleString('en-US')} parameters, ${classes.length} classes: ${folder}`,
  );
  console.log(`try  npx bag predict ${folder} IMAGE  or  npx bag train --init ${folder} --data FOLDER`);
}
