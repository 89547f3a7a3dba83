import { ablationChart } from './charts/ablation.js';
import type { Chart } from './charts/chart.js';
import { confusionMatrix, mostClasses } from './charts/confusion.js';
import { curvesOf, rowCurves } from './charts/curves.js';
import { duration, embeddedPng, escapeHtml, htmlTable, percent } from './html.js';
import { type Note, parseNote } from './notes.js';
import { details, figure, page, section } from './page.js';
import {
  type Evaluation,
  finalScores,
  type Losses,
  meanAndDeviation,
  type RunData,
  type StudyData,
} from './run-data.js';

/** A page, and its charts as files of their own. */
export interface Report {
  /** Self-contained: no scripts, no network. */
  html: string;
  charts: Chart[];
}

/**
 * The report of one run: scores, curves, the first batch, confusions, mistakes, and what it takes to run it again.
 * @example
 * const { html } = await runReport(await readRunData('runs/mine'));
 */
export async function runReport(run: RunData): Promise<Report> {
  const charts = await curvesOf([run]);
  const sections = [
    lead(run),
    ...tricks([run]),
    section(
      'Curves',
      `<div class="charts">${charts.map(figure).join('\n')}</div>`,
      details('The numbers behind the curves', epochTable(run)),
    ),
  ];
  if (run.firstBatch !== undefined) {
    sections.push(
      section(
        'The first batch',
        '<p>The images as the network saw them, mixtures included.</p>',
        embeddedPng(run.firstBatch, 'A grid of the training images of the first batch', ' class="batch"'),
      ),
    );
  }
  if (run.evaluation !== undefined) {
    const { chart, html } = await confusions(run.evaluation, run.classes);
    if (chart !== undefined) charts.push(chart);
    sections.push(html, mistakes(run, run.evaluation));
  }
  sections.push(again([run]));
  return { html: page(run.name, sections), charts };
}

/**
 * Several runs side by side, and their curves overlaid.
 *
 * @example
 * const { html } = await comparison([await readRunData('runs/a'), await readRunData('runs/b')]);
 */
export async function comparison(runs: readonly RunData[], title = 'Comparison of runs'): Promise<Report> {
  const charts = await curvesOf(runs);
  const sections = [
    section('Scores', scoreTable(runs)),
    ...tricks(runs),
    section(
      'Curves',
      `<div class="charts">${charts.map(figure).join('\n')}</div>`,
      ...runs.map((run) => details(`The numbers of ${run.name}`, epochTable(run))),
    ),
    again(runs),
  ];
  return { html: page(title, sections), charts };
}

/**
 * An ablation study: its table beside the paper's, its chart, and every run of it.
 *
 * @example
 * const { html } = await studyReport(await readStudyData('runs/ablation'));
 */
export async function studyReport({ rows }: StudyData): Promise<Report> {
  const runs = rows.flatMap((row) => row.runs);
  const chart = await ablationChart(rows);
  const curves = await rowCurves(rows);
  const means = rows.map(({ top1 }) => (top1.length === 0 ? undefined : meanAndDeviation(top1)));
  const lines = rows.map(({ name, top1, paper }, i) => {
    const now = means[i];
    const before = means[i - 1];
    const value =
      now === undefined
        ? 'not yet'
        : now.mean.toFixed(2) + (now.deviation === undefined ? '' : ` ± ${now.deviation.toFixed(2)}`);
    const change = now === undefined || before === undefined ? '' : signed(now.mean - before.mean);
    return [name, value, String(top1.length), change, paper?.toFixed(2) ?? ''];
  });
  const table = htmlTable(
    'Top-1 accuracy in percent: mean ± standard deviation over the seeds; the change against the row before.',
    ['row', 'top-1', 'runs', 'change', 'the paper'],
    lines,
  );
  const note = rows.some(({ paper }) => paper !== undefined)
    ? "<p>The paper's figures are those of ResNet-50 on ImageNet at batch 1024 (the baseline's at 256): its tables 4, 5 and 6.</p>"
    : '';
  const sections = [
    section('Row by row', table, note, figure(chart)),
    ...(curves.length === 0 ? [] : [section('Curves', `<div class="charts">${curves.map(figure).join('\n')}</div>`)]),
    section('Every run', scoreTable(runs)),
    again(runs.slice(-1), 'The last row, to run again'),
  ];
  return { html: page('Ablation study', sections), charts: [chart, ...curves] };
}

/** What runs said when they began: a row for each subject, a column for each run. */
function tricks(runs: readonly RunData[]): string[] {
  const said = runs.map(({ notes = [] }) => notes.map(parseNote));
  const subjects = [...new Set(said.flatMap((notes) => notes.map(({ subject }) => subject)))];
  if (subjects.length === 0) return [];
  const about = (subject: string) => (notes: Note[]) =>
    notes.flatMap((note) => (note.subject === subject ? note.text : [])).join('; ');
  const head = runs.length === 1 ? ['', ''] : ['', ...runs.map(({ name }) => name)];
  const rows = subjects.map((subject) => [subject, ...said.map(about(subject))]);
  return [section('What the tricks did', htmlTable('As the runs said when they began.', head, rows))];
}

const signed = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;

function lead(run: RunData): string {
  const scores = finalScores(run);
  const { epochs } = run;
  const seconds = epochs.reduce((sum, epoch) => sum + epoch.seconds, 0);
  const facts: [string, string][] = [
    ...(scores === undefined
      ? []
      : ([
          [percent(scores.top1), 'top-1'],
          [percent(scores.top5), 'top-5'],
          [scores.loss.toFixed(3), 'validation loss'],
        ] as [string, string][])),
    [`${epochs.length} of ${String(run.config['epochs'])}`, 'epochs'],
    [duration(seconds), 'time'],
  ];
  const { model, variant } = run.config;
  const data = run.config['data'] as string | null;
  const about = `${String(model)}, variant ${String(variant)}, on ${data ?? 'the embedded data set'}`;
  const items = facts.map(([value, label]) => `<li><b>${escapeHtml(value)}</b>${escapeHtml(label)}</li>`);
  return `<p>${escapeHtml(about)}</p><ul class="lead">${items.join('')}</ul>`;
}

function epochTable({ epochs }: RunData): string {
  const scores = (one: { loss: number; top1: number; top5: number } | undefined) =>
    one === undefined ? ['', '', ''] : [one.loss.toFixed(4), percent(one.top1), percent(one.top5)];
  const averaged = epochs.some(({ average }) => average !== undefined);
  const distilled = epochs.some(({ train }) => train.hard !== undefined);
  const terms = ({ hard, soft }: Losses) => (distilled ? [hard?.toFixed(4) ?? '', soft?.toFixed(4) ?? ''] : []);
  return htmlTable(
    averaged ? 'Validation is that of the averaged weights.' : 'Scores after each epoch.',
    [
      'epoch',
      'loss',
      'top-1',
      'top-5',
      ...(distilled ? ['labels', 'teacher'] : []),
      'validation loss',
      'validation top-1',
      'validation top-5',
      'images/s',
    ],
    epochs.map(({ epoch, train, validation, average, imagesPerSecond }) => [
      String(epoch + 1),
      ...scores(train),
      ...terms(train),
      ...scores(average ?? validation),
      imagesPerSecond.toFixed(0),
    ]),
  );
}

function scoreTable(runs: readonly RunData[]): string {
  return htmlTable(
    'Validation scores after the last epoch so far.',
    ['run', 'model', 'top-1', 'top-5', 'loss', 'epochs', 'time'],
    runs.map((run) => {
      const scores = finalScores(run);
      const seconds = run.epochs.reduce((sum, epoch) => sum + epoch.seconds, 0);
      const { model, variant } = run.config;
      return [
        run.name,
        `${String(model)} ${String(variant)}`,
        ...(scores === undefined ? ['', '', ''] : [percent(scores.top1), percent(scores.top5), scores.loss.toFixed(4)]),
        `${run.epochs.length}/${String(run.config['epochs'])}`,
        duration(seconds),
      ];
    }),
  );
}

async function confusions(
  evaluation: Evaluation,
  classes: readonly string[],
): Promise<{ chart?: Chart; html: string }> {
  const name = (i: number) => classes[i] ?? String(i);
  const wrong = evaluation.confusion
    .filter(({ label, predicted }) => label !== predicted)
    .sort((a, b) => b.count - a.count)
    .slice(0, 15);
  const table = htmlTable(
    `The most frequent of ${evaluation.examples} validation images.`,
    ['class', 'taken for', 'times'],
    wrong.map(({ label, predicted, count }) => [name(label), name(predicted), String(count)]),
  );
  if (classes.length > mostClasses) return { html: section('Confusions', table) };
  const chart = await confusionMatrix(evaluation, classes);
  return { chart, html: section('Confusions', figure(chart), details('The most frequent ones', table)) };
}

function mistakes({ classes, mistakeImages }: RunData, evaluation: Evaluation): string {
  const items = evaluation.mistakes.flatMap(({ label, predicted, probability }, i) => {
    const image = mistakeImages[i];
    if (image === undefined) return [];
    const [right, wrong] = [classes[label] ?? String(label), classes[predicted] ?? String(predicted)];
    const alternative = `An image of ${right} that was taken for ${wrong}`;
    return [
      `<li>${embeddedPng(image, alternative)}<br><b>${escapeHtml(right)}</b>, taken for ${escapeHtml(wrong)} (${percent(probability)})</li>`,
    ];
  });
  if (items.length === 0) return '';
  return section(
    'The worst mistakes',
    '<p>Where the network was most sure of a wrong class.</p>',
    `<ul class="mistakes">${items.join('')}</ul>`,
  );
}

function again(runs: readonly RunData[], title = 'To run it again'): string {
  const parts = runs.map(({ name, folder, config, environment }) => {
    const made = Object.entries(environment).map(([key, value]) => [key, value]);
    const content = [
      `<pre>npx bag train ${escapeHtml(folder)}/config.json --out runs/again</pre>`,
      htmlTable('What it was made with.', ['', ''], made),
      details('The configuration, whole', `<pre>${escapeHtml(JSON.stringify(config, null, 2))}</pre>`),
    ].join('\n');
    return runs.length === 1 ? content : details(name, content);
  });
  return section(
    title,
    `<p>Seed ${escapeHtml(`${(runs[0]?.config['seed'] as number | undefined) ?? 0}`)}; everything random follows from it.</p>`,
    ...parts,
  );
}
