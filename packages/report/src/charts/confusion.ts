import type { Evaluation } from '../run-data.js';
import { type Chart, draw } from './chart.js';

/** More classes than this do not fit a picture; the most frequent confusions are listed then. */
export const mostClasses = 40;

/** How often each class was taken for which, as shares of the class. */
export async function confusionMatrix({ confusion }: Evaluation, classes: readonly string[]): Promise<Chart> {
  const totals = new Map<number, number>();
  for (const { label, count } of confusion) totals.set(label, (totals.get(label) ?? 0) + count);
  const values = confusion.map(({ label, predicted, count }) => ({
    label: classes[label],
    predicted: classes[predicted],
    share: count / (totals.get(label) as number),
  }));
  const step = Math.max(14, Math.min(44, Math.floor(560 / classes.length)));
  const about = {
    id: 'confusion',
    title: 'Confusion matrix',
    description: 'For each class (rows) the share of its validation images that were taken for each class (columns).',
  };
  const cell = {
    x: { field: 'predicted', type: 'nominal', sort: [...classes], title: 'taken for', axis: { labelAngle: -40 } },
    y: { field: 'label', type: 'nominal', sort: [...classes], title: 'class' },
  } as const;
  return draw(about, {
    width: { step },
    height: { step },
    data: { values },
    layer: [
      {
        mark: { type: 'rect', fill: 'var(--heat)' },
        encoding: {
          ...cell,
          opacity: {
            field: 'share',
            type: 'quantitative',
            scale: { domain: [0, 1], range: [0.04, 0.85] },
            legend: null,
          },
        },
      },
      ...(step >= 30
        ? [
            {
              transform: [{ filter: 'datum.share >= 0.01' }],
              mark: { type: 'text' as const, fontSize: 10, fill: 'var(--ink)' },
              encoding: { ...cell, text: { field: 'share', type: 'quantitative' as const, format: '.0%' } },
            },
          ]
        : []),
    ],
  });
}
