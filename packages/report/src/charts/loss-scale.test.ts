import { expect, test } from 'vitest';
import type { RunData } from '../run-data.js';
import { curvesOf } from './curves.js';
import { lossScaleChart } from './loss-scale.js';

function run(name: string, scales: readonly number[], skipped: readonly number[] = []): RunData {
  const steps = scales.map((scale, step) => ({
    step,
    epoch: 0,
    loss: 2,
    top1: 0.5,
    top5: 0.9,
    rate: 0.1,
    scale,
    skipped: skipped.includes(step),
    imagesPerSecond: 50,
  }));
  return { name, folder: name, config: {}, classes: [], environment: {}, steps, epochs: [], mistakeImages: [] };
}

const svgOf = async (...runs: RunData[]): Promise<string> => (await lossScaleChart(runs))?.svg ?? '';

const pathsOf = (svg: string, role: string) =>
  (svg.match(/<path [^>]*>/g) ?? []).filter((path) => path.includes(`aria-roledescription="${role}"`));

const attribute = (element: string, name: string) => new RegExp(`${name}="([^"]*)"`).exec(element)?.[1] ?? '';

/** The corners of each line as [step, scale], by the axes' ends: the last step, and two powers of two. */
function linesOf(svg: string, { lastStep, low, high }: { lastStep: number; low: number; high: number }) {
  return pathsOf(svg, 'line mark').map((path) => {
    // A stepped line tells its last point twice.
    const corners = new Set(attribute(path, ' d').match(/[\d.]+,[\d.]+/g));
    return [...corners].map((corner) => {
      const [x, y] = corner.split(',').map(Number) as [number, number];
      return [Math.round((x / 640) * lastStep), Math.round(2 ** (high - (y / 240) * (high - low)))];
    });
  });
}

const marksOf = (svg: string) => pathsOf(svg, 'point').map((path) => attribute(path, 'aria-label'));

function ticksOf(svg: string): string[] {
  const labels = /Y-axis [\s\S]*?role-axis-label[^>]*>([\s\S]*?)<\/g>/.exec(svg)?.[1] ?? '';
  return [...labels.matchAll(/>([^<]+)<\/text>/g)].map(([, text]) => text as string);
}

const scales = [65536, 65536, 32768, 16384, 16384, 32768, 32768];
const skipped = [1, 2];

test('the line is the scale of every step: level, and down or up where it changes', async () => {
  const svg = await svgOf(run('mine', scales, skipped));
  expect(linesOf(svg, { lastStep: 6, low: 13, high: 17 })).toEqual([
    [
      [0, 65536],
      [2, 65536],
      [2, 32768],
      [3, 32768],
      [3, 16384],
      [5, 16384],
      [5, 32768],
      [6, 32768],
    ],
  ]);
  expect(ticksOf(svg)).toEqual(['8,192', '16,384', '32,768', '65,536', '131,072']);
});

test('of a long run, nothing is averaged', async () => {
  const long = Array.from({ length: 10_001 }, (_, step) => (step === 7778 ? 1024 : 4096));
  expect(linesOf(await svgOf(run('long', long)), { lastStep: 10_000, low: 9, high: 13 })).toEqual([
    [
      [0, 4096],
      [7778, 4096],
      [7778, 1024],
      [7779, 1024],
      [7779, 4096],
      [10_000, 4096],
    ],
  ]);
});

test('each skipped step has a mark on the scale that was in force', async () => {
  const svg = await svgOf(run('mine', scales, skipped));
  expect(marksOf(svg)).toEqual([
    'step: 1; loss scale: 65536; series: mine',
    'step: 2; loss scale: 32768; series: mine',
  ]);
  expect(svg).toContain('>skipped step</text>');
  const without = await svgOf(run('mine', scales));
  expect(marksOf(without)).toEqual([]);
  expect(without).not.toContain('skipped step');
});

test('runs are overlaid: a line each, with a colour and dashes of its own, and its marks', async () => {
  const svg = await svgOf(run('a', scales, skipped), run('plain', [1, 1]), run('b', [128, 128, 128], [1]));
  const lines = pathsOf(svg, 'line mark');
  expect(lines.map((path) => attribute(path, 'stroke'))).toEqual(['var(--series-1)', 'var(--series-2)']);
  expect(new Set(lines.map((path) => attribute(path, 'stroke-dasharray'))).size).toBe(2);
  expect(pathsOf(svg, 'point').map((path) => attribute(path, 'fill'))).toEqual([
    'var(--series-1)',
    'var(--series-1)',
    'var(--series-2)',
  ]);
});

test.each([
  ['a scale that stays', [100, 100], ['32', '64', '128', '256']],
  ['one below 1', [1, 0.5, 0.25], ['1/8', '1/4', '1/2', '1', '2']],
  ['a wide range', [2 ** -14, 2 ** 24], ['1/32,768', '1/512', '1/8', '8', '512', '32,768', '2,097,152']],
])('ticks are powers of two, written out, and few: %s', async (_, some, ticks) => {
  expect(ticksOf(await svgOf(run('mine', some)))).toEqual(ticks);
});

test('runs without scaling have no such chart', async () => {
  const ids = async (...runs: RunData[]) => (await curvesOf(runs)).map(({ id }) => id);
  expect(await ids(run('a', [1, 1]), run('b', [1, 1]))).not.toContain('loss-scale');
  expect(await ids(run('a', [1, 1]), run('b', [128, 128]))).toContain('loss-scale');
});
