import { meanAndDeviation, type RunData, type Scores, type StudyRow } from '../run-data.js';
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
  /** What the points count, from left to right. */
  axis?: string;
  format?: string;
}

async function curves(options: CurveOptions): Promise<Chart> {
  const { points, unit, axis = 'step', format, ...about } = options;
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
        title: unit,
        scale: { zero: false },
        axis: { ...(format !== undefined && { format }) },
      },
      color: seriesColor(series),
      // Where there are more curves than colours, dashes tell them apart.
      strokeDash:
        series.length > seriesColors.length ? dashed('series', series, seriesColors.length) : dashed('part', parts),
    },
  });
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

const ofSteps = (runs: readonly RunData[], part: string, value: (step: RunData['steps'][number]) => number): Point[] =>
  runs.flatMap(({ name, steps }) =>
    binned(
      steps
        .map((step) => ({ step: step.step, value: value(step), series: name, part }))
        .filter((point) => Number.isFinite(point.value)),
    ),
  );

const ofEpochs = (runs: readonly RunData[], part: string, value: (scores: Scores) => number): Point[] =>
  runs.flatMap(({ name, epochs }) =>
    epochs.flatMap((epoch) => {
      const scores = part === 'training' ? epoch.train : (epoch.average ?? epoch.validation);
      return scores === undefined ? [] : [{ step: epoch.step, value: value(scores), series: name, part }];
    }),
  );

/** The curves of one run, or of several overlaid: rate, loss, accuracies, throughput, and the loss scale where there is one. */
export async function curvesOf(runs: readonly RunData[]): Promise<Chart[]> {
  const single = runs.length === 1;
  const who = single ? 'the run' : 'each run';
  const charts: CurveOptions[] = [
    {
      id: 'loss',
      title: 'Loss',
      description: `Mean loss of ${who}: of the training as trained (smoothed, mixed, distilled), dashed the plain cross-entropy of the validation.`,
      unit: 'loss',
      points: [
        ...(single ? ofSteps(runs, 'training', ({ loss }) => loss) : ofEpochs(runs, 'training', ({ loss }) => loss)),
        ...ofEpochs(runs, 'validation', ({ loss }) => loss),
      ],
    },
    {
      id: 'top-1',
      title: 'Top-1 accuracy',
      description: `Share of images whose most likely class is the right one, after each epoch of ${who}; dashed the validation.`,
      unit: 'top-1',
      format: '.0%',
      points: [...ofEpochs(runs, 'training', ({ top1 }) => top1), ...ofEpochs(runs, 'validation', ({ top1 }) => top1)],
    },
    {
      id: 'top-5',
      title: 'Top-5 accuracy',
      description: `Share of images whose right class is among the five most likely, after each epoch of ${who}; dashed the validation.`,
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
  const drawn = await Promise.all(charts.filter(({ points }) => points.length > 0).map(curves));
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
      axis: 'epoch',
      points: means(({ loss }) => loss),
    },
  ];
  return Promise.all(charts.filter(({ points }) => points.length > 0).map(curves));
}
