import type { RunData, StepRecord } from '../run-data.js';
import { type Chart, curveSize, dashed, draw, seriesColor } from './chart.js';

/** More ticks than this are thinned. */
const mostTicks = 8;

/** The loss scale of each step of the runs that scale their loss; nothing where none does. */
export async function lossScaleChart(runs: readonly RunData[]): Promise<Chart | undefined> {
  const scaled = runs.filter(({ steps }) => steps.some(({ scale }) => scale !== 1));
  if (scaled.length === 0) return undefined;
  const pointsOf = (select: (steps: readonly StepRecord[]) => StepRecord[]) =>
    scaled.flatMap(({ name, steps }) => select(steps).map(({ step, scale }) => ({ step, scale, series: name })));
  const lines = pointsOf(corners);
  const skipped = pointsOf((steps) => steps.filter((step) => step.skipped));
  const series = [...new Set(scaled.map(({ name }) => name))];
  const about = {
    id: 'loss-scale',
    title: 'Loss scale',
    description:
      'What the loss of each step is multiplied by, so that 16-bit gradients do not vanish. A dynamic scale halves, and the update is skipped, where a gradient overflowed; it doubles after 2000 steps without.',
  };
  return draw(about, {
    ...curveSize,
    encoding: {
      x: { field: 'step', type: 'quantitative', title: 'step', scale: { nice: false } },
      y: { field: 'scale', type: 'quantitative', title: 'loss scale', ...powersOfTwo(lines.map(({ scale }) => scale)) },
      color: seriesColor(series),
    },
    layer: [
      {
        data: { values: lines },
        mark: { type: 'line', strokeWidth: 1.6, interpolate: 'step-after' },
        // Runs often have the same scale: a dashed line shows the one below it.
        encoding: { strokeDash: dashed('series', series) },
      },
      ...(skipped.length === 0
        ? []
        : [
            {
              data: { values: skipped },
              mark: { type: 'point' as const, filled: true, size: 70, opacity: 1 },
              encoding: {
                shape: {
                  datum: 'skipped step',
                  scale: { range: ['triangle-down'] },
                  legend: {
                    symbolFillColor: 'var(--ink)',
                    symbolStrokeColor: 'transparent',
                    symbolSize: 70,
                    padding: 3,
                  },
                },
              },
            },
          ]),
    ],
  });
}

/** The steps at which the scale is another than before, and both ends: all that a stepped line needs. */
function corners(steps: readonly StepRecord[]): StepRecord[] {
  return steps.filter(({ scale }, i) => i === 0 || i === steps.length - 1 || scale !== steps[i - 1]?.scale);
}

/** A logarithmic axis whose ticks are powers of two, written out, with one to spare at either end. */
function powersOfTwo(scales: readonly number[]) {
  const low = Math.floor(Math.log2(Math.min(...scales))) - 1;
  const high = Math.ceil(Math.log2(Math.max(...scales))) + 1;
  const every = Math.ceil((high - low + 1) / mostTicks);
  const values = Array.from({ length: Math.floor((high - low) / every) + 1 }, (_, i) => 2 ** (low + i * every));
  return {
    scale: { type: 'log' as const, base: 2, domain: [2 ** low, 2 ** high] },
    axis: { values, labelExpr: `datum.value < 1 ? '1/' + format(1 / datum.value, ',d') : format(datum.value, ',d')` },
  };
}
