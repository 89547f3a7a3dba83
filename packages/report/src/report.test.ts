import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { browserTimeoutMs, chromiumPath } from '@bag/testing';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { comparison, runReport, studyReport } from './index.js';
import { isStudy, readRunData, readStudyData, writeReport } from './node.js';

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'bag-report-'));
});
afterAll(() => rm(base, { recursive: true }));

/** The smallest PNG: one transparent pixel. */
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** A run's folder of two epochs of three steps, ending at a top-1 accuracy. */
async function makeRun(folder: string, top1: number, { epochs = 2, extra = true } = {}): Promise<string> {
  await mkdir(join(folder, 'mistakes'), { recursive: true });
  const config = { model: 'resnet8', variant: 'd', data: null, epochs: 2, seed: 7 };
  const versions = { node: 'v20', processor: '2 × <fast>' };
  await writeFile(join(folder, 'config.json'), JSON.stringify({ config, classes: ['cat', 'dog & fox'], versions }));
  const lines: object[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let i = 0; i < 3; i++) {
      const step = epoch * 3 + i;
      const scale = step < 4 ? 65536 : 32768;
      lines.push({
        kind: 'step',
        step,
        epoch,
        loss: 2 / (step + 1),
        top1: 0.5,
        top5: 0.9,
        rate: 0.1,
        scale,
        skipped: step === 4,
        imagesPerSecond: 50,
      });
    }
    const scores = { loss: 1.5 - epoch / 2, top1: top1 - (1 - epoch) * 0.1, top5: 0.95 };
    lines.push({
      kind: 'epoch',
      epoch,
      step: epoch * 3 + 3,
      train: scores,
      validation: scores,
      seconds: 61,
      imagesPerSecond: 50,
    });
  }
  await writeFile(
    join(folder, 'metrics.jsonl'),
    `${lines.map((line) => JSON.stringify(line)).join('\n')}\n{"kind":"st`,
  );
  if (extra) {
    await writeFile(join(folder, 'first-batch.png'), png);
    await writeFile(join(folder, 'mistakes', '1.png'), png);
    const evaluation = {
      examples: 4,
      loss: 1,
      top1,
      top5: 1,
      confusion: [
        { label: 0, predicted: 0, count: 2 },
        { label: 1, predicted: 0, count: 1 },
        { label: 1, predicted: 1, count: 1 },
      ],
      mistakes: [{ file: 'mistakes/1.png', label: 1, predicted: 0, probability: 0.987 }],
    };
    await writeFile(join(folder, 'evaluation.json'), JSON.stringify(evaluation));
  }
  return folder;
}

describe('a run', () => {
  test('its page says what its folder says', async () => {
    const folder = await makeRun(join(base, 'one'), 0.75);
    const { html, charts } = await runReport(await readRunData(folder));
    expect(charts.map(({ id }) => id)).toEqual([
      'loss',
      'top-1',
      'top-5',
      'learning-rate',
      'throughput',
      'loss-scale',
      'confusion',
    ]);
    for (const text of [
      '75.00 %',
      '2 of 2',
      '2 min 2 s',
      'dog &amp; fox',
      'taken for cat (98.70 %)',
      '2 × &lt;fast&gt;',
      'Seed 7',
      `npx bag train ${folder}/config.json`,
    ]) {
      expect(html).toContain(text);
    }
    expect(html.match(/<img [^>]*src="data:image\/png;base64,/g)).toHaveLength(2);
    expect(html).not.toMatch(/<script|(?:src|href)="http|@import|undefined|NaN/);
  });

  test('one that has just begun has a page too', async () => {
    const folder = await makeRun(join(base, 'young'), 0.5, { epochs: 0, extra: false });
    const { html, charts } = await runReport(await readRunData(folder));
    expect(charts).toEqual([]);
    expect(html).toContain('0 of 2');
  });

  test('its charts are files of their own, described for those who cannot see them', async () => {
    const folder = await makeRun(join(base, 'files'), 0.6);
    await writeReport(await runReport(await readRunData(folder)), join(folder, 'report.html'));
    expect((await readdir(join(folder, 'charts'))).sort()).toContain('top-1.svg');
    const svg = await readFile(join(folder, 'charts', 'top-1.svg'), 'utf8');
    expect(svg).toMatch(/^<svg[^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    expect(svg).toContain('aria-label="Top-1 accuracy. ');
    expect(svg).toContain('prefers-color-scheme: dark');
  });

  test('a folder that is none is named', async () => {
    await expect(readRunData(join(base, 'nowhere'))).rejects.toThrow(
      /config\.json is missing; is .*nowhere the folder of a run\?/,
    );
  });
});

test('runs side by side: one colour each, every score', async () => {
  const runs = [await makeRun(join(base, 'a'), 0.75), await makeRun(join(base, 'b'), 0.5)];
  const { html, charts } = await comparison(await Promise.all(runs.map((run) => readRunData(run))));
  expect(html).toContain('75.00 %');
  expect(html).toContain('50.00 %');
  const loss = charts.find(({ id }) => id === 'loss')?.svg;
  expect(loss).toContain('stroke="var(--series-1)"');
  expect(loss).toContain('stroke="var(--series-2)"');
});

test('a study: mean ± deviation, the change, the paper; a row that has not begun', async () => {
  const study = join(base, 'study');
  await makeRun(join(study, 'plain', 'seed-0'), 0.7);
  await makeRun(join(study, 'plain', 'seed-1'), 0.74);
  await makeRun(join(study, 'warmup', 'seed-0'), 0.75);
  await makeRun(join(study, 'warmup', 'seed-1'), 0.5, { epochs: 1 });
  const rows = [
    { name: 'plain', folder: 'plain', paper: 75.87 },
    { name: '+ warmup', folder: 'warmup', paper: 76.03 },
    { name: '+ cosine', folder: 'cosine' },
  ];
  await writeFile(join(study, 'study.json'), JSON.stringify({ rows }));
  expect([await isStudy(study), await isStudy(base)]).toEqual([true, false]);
  const data = await readStudyData(study);
  // √((2² + 2²)/1) = 2.83 by hand; the unfinished run does not count.
  expect(data.rows.map(({ top1 }) => top1.map((value) => Math.round(value)))).toEqual([[70, 74], [75], []]);
  const { html, charts } = await studyReport(data);
  expect(charts.map(({ id }) => id)).toEqual(['ablation', 'rows-top-1', 'rows-loss']);
  for (const text of ['72.00 ± 2.83', '+3.00', '76.03', 'not yet']) expect(html).toContain(text);
});

// Where no browser is installed there is nothing to open the page with; CI installs one.
describe.skipIf(chromiumPath === undefined)('in a browser without a network', () => {
  test.each(['light', 'dark'] as const)(
    'the page renders, asks for nothing and reports no error (%s)',
    async (colorScheme) => {
      const folder = await makeRun(join(base, `browser-${colorScheme}`), 0.75);
      const path = join(folder, 'report.html');
      await writeReport(await runReport(await readRunData(folder)), path);
      const browser = await chromium.launch({
        executablePath: chromiumPath as string,
        args: ['--no-sandbox'],
        timeout: browserTimeoutMs,
      });
      try {
        const context = await browser.newContext({ colorScheme, offline: true, viewport: { width: 360, height: 800 } });
        const page = await context.newPage();
        page.setDefaultTimeout(browserTimeoutMs);
        const problems: string[] = [];
        page.on('console', (message) => problems.push(message.text()));
        page.on('pageerror', (error) => problems.push(error.message));
        page.on('request', (request) => {
          if (!/^(file|data):/.test(request.url())) problems.push(request.url());
        });
        await page.goto(`file://${path}`);
        const seen = await page.evaluate(`({
        charts: document.querySelectorAll('figure svg[role=img][aria-label]').length,
        broken: [...document.images].filter((image) => image.naturalWidth === 0).length,
        overflow: document.documentElement.scrollWidth > innerWidth,
        paper: getComputedStyle(document.body).backgroundColor,
        line: getComputedStyle(document.querySelector('figure svg .mark-line path')).stroke,
      })`);
        expect(seen).toEqual({
          charts: 7,
          broken: 0,
          overflow: false,
          paper: colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(15, 20, 25)',
          line: colorScheme === 'light' ? 'rgb(0, 114, 178)' : 'rgb(86, 180, 233)',
        });
        expect(problems).toEqual([]);
      } finally {
        await browser.close();
      }
    },
  );
});
