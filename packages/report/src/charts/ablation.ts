import { meanAndDeviation, type StudyRow } from '../run-data.js';
import { type Chart, draw } from './chart.js';

/** Each row's mean and its spread over the seeds. */
export async function ablationChart(rows: readonly StudyRow[]): Promise<Chart> {
  const names = rows.map(({ name }) => name);
  const values = rows
    .filter(({ top1 }) => top1.length > 0)
    .map(({ name, top1 }) => {
      const { mean, deviation = 0 } = meanAndDeviation(top1);
      return { name, mean, low: Math.max(0, mean - deviation), high: Math.min(100, mean + deviation) };
    });
  const points = rows.flatMap(({ name, top1 }) => top1.map((value) => ({ name, value })));
  const y = { field: 'name', type: 'nominal', sort: names, title: null, axis: { labelLimit: 260 } } as const;
  const about = {
    id: 'ablation',
    title: 'Top-1 accuracy, row by row',
    description:
      'Mean of the seeds as a stroke, one standard deviation to either side as a line, each run as a dot. The axis begins near the lowest of them.',
  };
  const title = 'top-1 accuracy, %';
  return draw(about, {
    width: 460,
    height: { step: 26 },
    layer: [
      {
        data: { values },
        mark: { type: 'rule', stroke: 'var(--ink)', strokeWidth: 1.5 },
        encoding: {
          y,
          x: { field: 'low', type: 'quantitative', title, scale: { zero: false } },
          x2: { field: 'high' },
        },
      },
      {
        data: { values: points },
        mark: { type: 'point', filled: true, fill: 'var(--series-2)', size: 26, opacity: 1 },
        encoding: { y, x: { field: 'value', type: 'quantitative', title } },
      },
      {
        data: { values },
        mark: { type: 'tick', color: 'var(--series-1)', thickness: 3, height: 18 },
        encoding: { y, x: { field: 'mean', type: 'quantitative', title } },
      },
    ],
  });
}
