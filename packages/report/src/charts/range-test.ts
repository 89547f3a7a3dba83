import { type Chart, draw } from './chart.js';

/**
 * The learning-rate range test: loss over the rate, on a logarithmic axis, with the suggested rate marked.
 *
 * @param smoothed The losses of the same points, smoothed.
 * @example
 * const { svg } = await rangeTestChart([{ rate: 0.01, loss: 2.3 }, { rate: 0.1, loss: 2.1 }], [2.3, 2.2], 0.01);
 */
export async function rangeTestChart(
  points: readonly { rate: number; loss: number }[],
  smoothed: readonly number[],
  suggestion?: number,
): Promise<Chart> {
  const x = { field: 'rate', type: 'quantitative', scale: { type: 'log' }, title: 'learning rate' } as const;
  const about = {
    id: 'find-lr',
    title: 'Learning-rate range test',
    description:
      'Training loss while the rate grows: thin as it was, thick smoothed' +
      (suggestion === undefined ? '.' : `; the vertical line is the suggested rate, ${suggestion.toPrecision(2)}.`),
  };
  return draw(about, {
    width: 640,
    height: 280,
    layer: [
      {
        data: { values: [...points] },
        mark: { type: 'line', strokeWidth: 0.8, stroke: 'var(--series-7)' },
        encoding: { x, y: { field: 'loss', type: 'quantitative', title: 'loss', scale: { zero: false } } },
      },
      {
        data: { values: points.map(({ rate }, i) => ({ rate, loss: smoothed[i] })) },
        mark: { type: 'line', strokeWidth: 2, stroke: 'var(--series-1)' },
        encoding: { x, y: { field: 'loss', type: 'quantitative' } },
      },
      {
        data: { values: suggestion === undefined ? [] : [{ rate: suggestion }] },
        mark: { type: 'rule', strokeWidth: 1.5, strokeDash: [5, 3], stroke: 'var(--series-2)' },
        encoding: { x },
      },
    ],
  });
}
