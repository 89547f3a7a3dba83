import { dirname } from 'node:path';
import { batches } from '@bag/data';
import { rangeTestChart } from '@bag/report';
import { NonFiniteLossError, train } from '@bag/trainer';
import { writeFileAtomically } from '@bag/trainer/node';
import type { Config } from '../config/schema.js';
import { openSplit, preprocessingOf } from '../data.js';
import { useEngine } from '../engines/use.js';
import { UsageError } from '../errors.js';
import { epochOf, take } from '../epoch.js';
import { stoppable } from '../interrupt.js';
import { modelTitle } from '../network.js';
import { newConfig } from '../new-config.js';
import { createFolder } from '../paths.js';
import { plot } from '../plot.js';
import { precisionNote } from '../precision/known.js';
import { type Progress, withProgress } from '../progress.js';
import { diverged, exponentialRate, type RangePoint, smoothed, suggest } from '../range-test.js';
import { optimizerAt, tricksOf } from '../recipe.js';
import { startNetwork } from '../start.js';
import { configParts, type TrainFlags } from './train.js';

export interface FindLrFlags extends TrainFlags {
  from?: number;
  to?: number;
  steps?: number;
}

/** The learning-rate range test: one short training whose rate grows until the loss leaves. Source: Smith 2017. */
export async function findLrCommand(configPath: string | undefined, flags: FindLrFlags): Promise<void> {
  const { from = 1e-5, to = 10, steps = 100, out = 'find-lr.svg' } = flags;
  if (!(from > 0 && to > from))
    throw new UsageError(`--from and --to expect rates 0 < from < to, got ${from} and ${to}`);
  const config = await newConfig(await configParts(configPath, flags));
  await createFolder(dirname(out));
  await useEngine(config.backend);
  const points = await withProgress((progress) => {
    progress.line(precisionNote(config));
    progress.line(`${steps} steps of ${modelTitle(config)} from rate ${from} to ${to}`);
    return stoppable(progress, (signal) => rangeTest(config, { from, to, steps }, progress, signal));
  });
  const suggestion = suggest(points);
  const chart = await rangeTestChart(points, smoothed(points.map(({ loss }) => loss)), suggestion?.rate);
  await writeFileAtomically(out, chart.svg);
  if (flags.json === true) {
    console.log(JSON.stringify({ points, suggestion, chart: out }));
    return;
  }
  console.log(plot(smoothed(points.map(({ loss }) => loss))));
  console.log(`          smoothed loss, rate ${from} to ${points.at(-1)?.rate.toPrecision(3) ?? ''}\n`);
  if (suggestion === undefined) {
    console.log('The loss never fell: there is no rate to suggest. Start lower (--from) or take more steps (--steps).');
  } else {
    const { rate, steepest, lowest } = suggestion;
    console.log(
      `The loss falls fastest at a rate of ${steepest.toPrecision(2)} and is smallest at ${lowest.toPrecision(2)}, near which training is about to fail.`,
    );
    console.log(
      `Suggested for batches of ${config.batch * config.accumulate}: ${rate.toPrecision(2)} (a tenth of the smallest loss's rate, or the steepest fall's where that is lower).`,
    );
    console.log(
      `  --set learningRate.base=${rate.toPrecision(2)} --set learningRate.baseBatch=${config.batch * config.accumulate}`,
    );
  }
  console.log(`The plot:  ${out}`);
}

async function rangeTest(
  config: Config,
  range: { from: number; to: number; steps: number },
  progress: Progress,
  signal: AbortSignal,
): Promise<RangePoint[]> {
  const dataset = await openSplit(config, 'train', progress);
  const { train: transform, normalization } = preprocessingOf(config);
  const { steps: stepsPerEpoch, batches: batchesPerEpoch, dropLast } = epochOf(config, dataset.size);
  const { network } = await startNetwork(config, dataset.classes);
  const optimizer = optimizerAt(config, network, exponentialRate(range));
  const enough = new AbortController();
  const points: RangePoint[] = [];
  progress.start(range.steps);
  try {
    await train({
      network,
      batches: (epoch) =>
        take(
          batches({
            dataset,
            batchSize: config.batch,
            transform,
            normalization,
            seed: config.seed,
            epoch,
            shuffle: true,
            dropLast,
          }),
          batchesPerEpoch,
        ),
      stepsPerEpoch,
      epochs: Math.ceil(range.steps / stepsPerEpoch) + 1,
      optimizer,
      state: { epoch: 0, optimizer: optimizer.init() },
      tricks: tricksOf({ ...config, distillation: { ...config.distillation, teacher: null } }, network, undefined)
        .tricks,
      accumulate: config.accumulate,
      seed: config.seed,
      signal: AbortSignal.any([signal, enough.signal]),
      onEvent: (event) => {
        if (event.kind !== 'step') return;
        points.push({ rate: event.rate, loss: event.loss });
        progress.update(points.length, `rate ${event.rate.toPrecision(3)}  loss ${event.loss.toFixed(3)}`);
        if (points.length >= range.steps || diverged(smoothed(points.map(({ loss }) => loss)))) enough.abort();
      },
    });
  } catch (error) {
    // A loss that is no number any more is where the test ends.
    if (!(error instanceof NonFiniteLossError)) throw error;
  }
  network.dispose();
  await dataset.close?.();
  return points;
}
