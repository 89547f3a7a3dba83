import { expect, test } from 'vitest';
import type { Losses, RunData } from '../run-data.js';
import type { Chart } from './chart.js';
import { curvesOf } from './curves.js';

/** A run of ten epochs of two steps, with the losses that its training has after a share of it. */
function run(name: string, losses: (share: number) => Losses, { distilled = false } = {}): RunData {
  const accuracy = { top1: 0.5, top5: 0.9 };
  return {
    name,
    folder: name,
    config: { distillation: { teacher: distilled ? 'teacher' : null } },
    classes: [],
    environment: {},
    steps: Array.from({ length: 20 }, (_, step) => ({
      ...{ step, epoch: Math.floor(step / 2), rate: 0.1, scale: 1, skipped: false, imagesPerSecond: 50 },
      ...accuracy,
      ...losses(step / 20),
    })),
    epochs: Array.from({ length: 10 }, (_, epoch) => ({
      ...{ epoch, step: 2 * epoch + 2, seconds: 1, imagesPerSecond: 50 },
      train: { ...accuracy, ...losses((epoch + 1) / 10) },
      validation: { ...accuracy, loss: 2.3 - (1.3 * (epoch + 1)) / 10 },
    })),
    mistakeImages: [],
  };
}

const falling = (share: number) => ({ loss: 2.3 - 2 * share });
const plain = run('plain', falling);
const distilled = run(
  'distilled',
  (share) => ({ loss: 2.3 - 1.5 * share + 9 * (1 - share), hard: 2.3 - 1.5 * share, soft: 9 * (1 - share) + 0.1 }),
  { distilled: true },
);
/** As runs were recorded before their losses had terms: the teacher's entropy at T = 20 is 921. */
const old = run('old', (share) => ({ loss: 923.5 - 2 * share }), { distilled: true });
const diverged = run('diverged', (share) => ({ loss: 2.3 * 10 ** (6 * share) }));

/** The pixels that each line of a chart spans from its highest to its lowest point. */
function spans({ svg }: Chart): number[] {
  const lines = [...svg.matchAll(/<path[^>]* d="(M[^"Z]+)"[^>]*stroke="var\(--series/g)];
  return lines.flatMap(([, d = '']) => {
    const heights = [...d.matchAll(/[ML]?-?[\d.]+,(-?[\d.]+)/g)].map(([, y]) => Number(y));
    // The legend's samples have two points.
    return heights.length > 2 ? [Math.max(...heights) - Math.min(...heights)] : [];
  });
}

async function chartOf(id: string, runs: RunData[]): Promise<Chart> {
  const found = (await curvesOf(runs)).find((chart) => chart.id === id);
  if (found === undefined) throw new Error(`no chart ${id}`);
  return found;
}

test.each([
  ['alike', [plain, run('other', falling)], 4],
  ['one of them distilled', [plain, distilled], 4],
  ['one that has diverged', [plain, diverged], 4],
  ['one that was recorded with the entropy', [plain, old], 3],
  ['all kinds', [plain, distilled, old, diverged], 7],
])('the losses of runs side by side can all be read: %s', async (_, runs, lines) => {
  const heights = spans(await chartOf('loss', runs));
  expect(heights).toHaveLength(lines);
  // The chart is 240 pixels high.
  for (const height of heights) expect(height).toBeGreaterThan(8);
});

test('the axis is linear where no curve hides another', async () => {
  expect((await chartOf('loss', [plain, distilled])).svg).not.toContain('logarithmic');
  expect((await chartOf('loss', [plain, diverged])).svg).toContain('loss, logarithmic');
});

test('what is left out is said', async () => {
  const { description } = await chartOf('loss', [plain, old]);
  expect(description).toContain('The training of old is left out');
  expect((await chartOf('loss', [plain, distilled])).description).not.toContain('left out');
});

test('the divergence from a teacher has a chart of its own, where there is one', async () => {
  const chart = await chartOf('divergence', [plain, distilled]);
  expect(spans(chart)).toHaveLength(1);
  // In the colour that the run has in the other charts.
  expect(chart.svg).toContain('stroke="var(--series-2)"');
  expect((await curvesOf([plain])).map(({ id }) => id)).not.toContain('divergence');
  expect((await curvesOf([distilled])).map(({ id }) => id)).toContain('divergence');
});
