import { batches } from '@bag/data';
import type { Network } from '@bag/network';
import { evaluate } from '@bag/trainer';
import { resolve } from 'node:path';
import type { Config } from '../config/schema.js';
import { badImagesOf, evaluationBatchOf, openSplit, preprocessingOf } from '../data.js';
import { useEngine } from '../engines/use.js';
import type { EngineChoice } from '../engines/names.js';
import { UsageError } from '../errors.js';
import type { ForeignOptions } from '../foreign-weights.js';
import { type Progress, withProgress } from '../progress.js';
import { loadRun } from '../run.js';
import type { SavedRun } from '../saved-run.js';
import { percent } from '../table.js';

export interface EvalFlags extends ForeignOptions {
  backend?: EngineChoice;
  json?: boolean;
}

export async function evalCommand(path: string, flags: EvalFlags): Promise<void> {
  const { data, backend, json } = flags;
  await useEngine(backend ?? 'auto');
  const { network, run } = await loadRun(path, flags);
  const config = data === undefined ? run.config : { ...run.config, data: resolve(data) };
  const { scores, name, unreadable } = await withProgress((progress) => evaluateOn(config, run, network, progress));
  network.dispose();
  if (json === true) console.log(JSON.stringify({ ...scores, unreadable }));
  else {
    console.log(
      `top-1 ${percent(scores.top1)}, top-5 ${percent(scores.top5)}, loss ${scores.loss.toFixed(4)} on ${scores.examples} images of ${name}`,
    );
  }
}

async function evaluateOn(config: Config, run: SavedRun, network: Network, progress: Progress) {
  const dataset = await openSplit(config, 'validation', progress);
  if (dataset.classes.join() !== run.classes.join()) {
    throw new UsageError(
      `the run knows the classes ${run.classes.slice(0, 4).join(', ')}, … (${run.classes.length}), ` +
        `the data has ${dataset.classes.slice(0, 4).join(', ')}, … (${dataset.classes.length}); evaluate on the same classes`,
    );
  }
  const preprocessing = preprocessingOf(config);
  const { validation, normalization } = preprocessing;
  const badImages = badImagesOf(dataset, config, (line) => progress.line(line));
  progress.start(dataset.size);
  const scores = await evaluate(
    network,
    batches({
      dataset,
      batchSize: evaluationBatchOf(preprocessing),
      transform: validation,
      normalization,
      seed: config.seed,
      badImages,
    }),
    { onProgress: (done) => progress.update(done, 'evaluating') },
  );
  await dataset.close?.();
  return { scores, name: dataset.name, unreadable: badImages.count };
}
