import {
  type Losses,
  meanAndDeviation,
  type RunData,
  type Scores,
  type StudyRow,
  type TrainingScores,
} from '../run-data.js';
import { type Chart, curveSize, dashed, draw, seriesColor, seriesColors } from './chart.js';
import { lossScaleChart } from './loss-scale.js';

/** A point of a curve. */
interface Point {
  step: number;
  value: number;
  series: string;
  /** What sets a curve of the same run apart by its dashes. */
  part: string;
}

/** Curves hold at most so many points; more are averaged in bins. */
const mostPoints = 300;

interface CurveOptions {
  id: string;
  title: string;
  description: string;
  /** What stands at the axis. */
  unit: string;
  points: readonly Point[];
  /** All that the page shows: a run has the same colour in each of its charts. */
  runs?: readonly string[];
  /** What the points count, from left to right. */
  axis?: string;
  format?: string;
  /** Whether the axis becomes logarithmic where one curve would flatten the others. */
  unbounded?: boolean;
}

async function curves(options: CurveOptions): Promise<Chart> {
  const { points: given, unit, axis = 'step', format, unbounded = false, runs, ...about } = options;
  const logarithmic = unbounded && areFarApart(given);
  const points = logarithmic ? given.filter(({ value }) => value > 0) : given;
  const parts = [...new Set(points.map(({ part }) => part))];
  const series = [...new Set(points.map((point) => point.series))];
  return draw(about, {
    ...curveSize,
    data: { values: [...points] },
    mark: { type: 'line', strokeWidth: 1.6, interpolate: 'linear' },
    encoding: {
      x: { field: 'step', type: 'quantitative', title: axis, scale: { nice: false } },
      y: {
        field: 'value',
        type: 'quantitative',
        title: logarithmic ? `${unit}, logarithmic` : unit,
        scale: logarithmic ? { type: 'log', nice: false } : { zero: false },
        axis: { ...(format !== undefined && { format }) },
      },
      color: seriesColor(series, runs),
      // Where there are more curves than colours, dashes tell them apart.
      strokeDash:
        series.length > seriesColors.length ? dashed('series', series, seriesColors.length) : dashed('part', parts),
    },
  });
}

/** How many times as high as another a curve may be before a linear axis would flatten that one. */
const mostApart = 5;

/** Whether the highest curve hides what the lowest one does: a run that diverges, beside one that does not. */
function areFarApart(points: readonly Point[]): boolean {
  const heights = new Map<string, number>();
  for (const { series, part, value } of points) {
    const curve = JSON.stringify([series, part]);
    heights.set(curve, Math.max(heights.get(curve) ?? 0, Math.abs(value)));
  }
  const [highest, lowest] = [Math.max(...heights.values()), Math.min(...heights.values())];
  return lowest > 0 && highest > mostApart * lowest;
}

/** Means over bins, so that a long run is a readable curve. */
function binned(points: readonly Point[]): Point[] {
  const perBin = Math.ceil(points.length / mostPoints);
  if (perBin <= 1) return [...points];
  const bins: Point[] = [];
  for (let i = 0; i < points.length; i += perBin) {
    const bin = points.slice(i, i + perBin);
    const mean = (f: (point: Point) => number) => bin.reduce((sum, point) => sum + f(point), 0) / bin.length;
    bins.push({ ...(bin[0] as Point), step: mean(({ step }) => step), value: mean(({ value }) => value) });
  }
  return bins;
}

const ofSteps = (
  runs: readonly RunData[],
  part: string,
  value: (step: RunData['steps'][number]) => number | undefined,
): Point[] =>
  runs.flatMap(({ name, steps }) =>
    binned(
      steps
        .map((step) => ({ step: step.step, value: value(step) ?? NaN, series: name, part }))
        .filter((point) => Number.isFinite(point.value)),
    ),
  );

const ofEpochs = (
  runs: readonly RunData[],
  part: 'training' | 'validation',
  value: (scores: TrainingScores) => number | undefined,
): Point[] =>
  runs.flatMap(({ name, epochs }) =>
    epochs.flatMap((epoch) => {
      const scores = part === 'training' ? epoch.train : (epoch.average ?? epoch.validation);
      const shown = scores === undefined ? undefined : value(scores);
      return shown === undefined ? [] : [{ step: epoch.step, value: shown, series: name, part }];
    }),
  );

/** Whether what a run calls its loss holds the teacher's entropy too: its version knew no terms. */
const holdsEntropy = ({ config, steps, epochs }: RunData): boolean => {
  const { teacher = null } = (config['distillation'] ?? {}) as { teacher?: string | null };
  const recorded = steps.length > 0 ? steps : epochs.map(({ train }) => train);
  return teacher !== null && recorded.some(({ hard }) => hard === undefined);
};

/**
 * The loss against the labels, which is the same thing in all runs, and what a teacher adds by itself: neither would be
 * seen beside the other.
 */
function lossCurves(runs: readonly RunData[]): CurveOptions[] {
  const single = runs.length === 1;
  const who = single ? 'the run' : 'each run';
  const trained = (known: readonly RunData[], value: (one: Losses) => number | undefined) =>
    single ? ofSteps(known, 'training', value) : ofEpochs(known, 'training', value);
  const left = runs.filter(holdsEntropy).map(({ name }) => name);
  const without =
    left.length === 0
      ? ''
      : ` The training of ${left.join(', ')} is left out: it recorded this loss only together with the teacher's.`;
  return [
    {
      id: 'loss',
      title: 'Loss',
      description: `Mean loss of ${who}: of the training against the labels, smoothed and mixed; dashed the plain cross-entropy of the validation.${without}`,
      unit: 'loss',
      unbounded: true,
      points: [
        ...trained(
          runs.filter((run) => !holdsEntropy(run)),
          ({ loss, hard = loss }) => hard,
        ),
        ...ofEpochs(runs, 'validation', ({ loss }) => loss),
      ],
    },
    {
      id: 'divergence',
      title: 'Divergence from the teacher',
      description: `T²·KL of ${who} that learns from a teacher, which the training adds to the loss against the labels.`,
      unit: 'T²·KL',
      unbounded: true,
      points: trained(runs, ({ soft }) => soft),
    },
  ];
}

/** How the training of mixed images is scored, where there is any. */
function mixedShare(runs: readonly RunData[]): string {
  const mixes = runs.some(({ config }) =>
    [config['mixup'], config['cutmix']].some((mixing) => ((mixing ?? {}) as { alpha?: number }).alpha ?? 0),
  );
  return mixes ? ' A mixed training image scores the share of the predicted class.' : '';
}

/** The curves of one run, or of several overlaid: rate, loss, accuracies, throughput, and the loss scale where there is one. */
export async function curvesOf(runs: readonly RunData[]): Promise<Chart[]> {
  const names = runs.map(({ name }) => name);
  const who = runs.length === 1 ? 'the run' : 'each run';
  const charts: CurveOptions[] = [
    ...lossCurves(runs),
    {
      id: 'top-1',
      title: 'Top-1 accuracy',
      description: `Share of images whose most likely class is the right one, after each epoch of ${who}; dashed the validation.${mixedShare(runs)}`,
      unit: 'top-1',
      format: '.0%',
      points: [...ofEpochs(runs, 'training', ({ top1 }) => top1), ...ofEpochs(runs, 'validation', ({ top1 }) => top1)],
    },
    {
      id: 'top-5',
      title: 'Top-5 accuracy',
      description: `Share of images whose right class is among the five most likely, after each epoch of ${who}; dashed the validation.${mixedShare(runs)}`,
      unit: 'top-5',
      format: '.0%',
      points: [...ofEpochs(runs, 'training', ({ top5 }) => top5), ...ofEpochs(runs, 'validation', ({ top5 }) => top5)],
    },
    {
      id: 'learning-rate',
      title: 'Learning rate',
      description: `The rate of each step of ${who}.`,
      unit: 'learning rate',
      points: ofSteps(runs, 'training', ({ rate }) => rate),
    },
    {
      id: 'throughput',
      title: 'Throughput',
      description: `Images per second while ${who} trains.`,
      unit: 'images/s',
      points: ofSteps(runs, 'training', ({ imagesPerSecond }) => imagesPerSecond),
    },
  ];
  const drawn = await Promise.all(
    charts.filter(({ points }) => points.length > 0).map((chart) => curves({ ...chart, runs: names })),
  );
  const lossScale = await lossScaleChart(runs);
  return lossScale === undefined ? drawn : [...drawn, lossScale];
}

/** The validation of each row of a study, as the mean of its seeds, for the epochs that all of them have behind them. */
export async function rowCurves(rows: readonly StudyRow[]): Promise<Chart[]> {
  const means = (value: (scores: Scores) => number): Point[] =>
    rows.flatMap(({ name, runs }) => {
      const perRun = runs.map(({ epochs }) => epochs.map(({ average, validation }) => average ?? validation));
      const epochs = Math.min(...perRun.map(({ length }) => length));
      return Array.from({ length: perRun.length === 0 ? 0 : epochs }, (_, epoch) => {
        const scores = perRun.flatMap((run) => run[epoch] ?? []);
        return { step: epoch + 1, value: meanAndDeviation(scores.map(value)).mean, series: name, part: 'validation' };
      }).filter((point) => Number.isFinite(point.value));
    });
  const charts: CurveOptions[] = [
    {
      id: 'rows-top-1',
      title: 'Validation top-1',
      description:
        'Share of validation images whose most likely class is the right one, after each epoch: the mean of the seeds of each row.',
      unit: 'top-1',
      axis: 'epoch',
      format: '.0%',
      points: means(({ top1 }) => top1),
    },
    {
      id: 'rows-loss',
      title: 'Validation loss',
      description: 'Cross-entropy of the validation after each epoch: the mean of the seeds of each row.',
      unit: 'loss',
      unbounded: true,
      axis: 'epoch',
      points: means(({ loss }) => loss),
    },
  ];
  return Promise.all(charts.filter(({ points }) => points.length > 0).map(curves));
}
