import type { TopLevelSpec } from 'vega-lite';
import { escapeHtml } from '../html.js';

/** A chart, and what it is called where it cannot be seen. */
export interface Chart {
  /** Also the name of its SVG file. */
  id: string;
  title: string;
  /** What the chart shows, in a sentence or two: read aloud in its place. */
  description: string;
  /** Standalone SVG in the colours of `chartStyle`. */
  svg: string;
}

/** Pixels of a chart over the steps. */
export const curveSize = { width: 640, height: 240 };

/** How many series have a colour of their own. */
export const seriesColors = Array.from({ length: 8 }, (_, i) => `var(--series-${i + 1})`);

/**
 * A colour for each of the `series`, told by a legend where there are several.
 * @param all The series of the whole page, so that one has the same colour in each chart.
 */
export function seriesColor(series: readonly string[], all = series) {
  const range = series.map((name) => seriesColors[Math.max(0, all.indexOf(name)) % seriesColors.length] as string);
  return {
    field: 'series',
    type: 'nominal' as const,
    scale: { domain: [...series], range },
    ...(series.length === 1 && { legend: null }),
  };
}

const dashes = [
  [1, 0],
  [6, 3],
  [2, 2],
];

/** Dashes for the values of a field, another one after every so many; the first is solid. */
export function dashed(field: string, values: readonly string[], every = 1) {
  const range = values.map((_, i) => dashes[Math.floor(i / every) % dashes.length] as number[]);
  return {
    field,
    type: 'nominal' as const,
    scale: { domain: [...values], range },
    ...(values.length === 1 && { legend: null }),
  };
}

/**
 * The colours of the charts in light, in dark and on paper, as CSS variables. Series by Okabe and Ito (2008), told apart
 * with any colour vision; the dark ones are lighter.
 */
export const chartColors = `
:root { --ink: #1f2328; --grid: #d8dee4; --heat: #0072b2;
  --series-1: #0072b2; --series-2: #d55e00; --series-3: #008060; --series-4: #b0578f;
  --series-5: #b07d00; --series-6: #2f9fd8; --series-7: #6e6e6e; --series-8: #7a4fb5; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --grid: #3a424c; --heat: #56b4e9;
    --series-1: #56b4e9; --series-2: #f0884a; --series-3: #2cc09c; --series-4: #dd93bf;
    --series-5: #e0b03c; --series-6: #9bd3f5; --series-7: #a8a8a8; --series-8: #b79aea; }
}`;

const config = {
  background: 'transparent',
  font: 'system-ui, sans-serif',
  view: { stroke: null },
  axis: {
    labelColor: 'var(--ink)',
    titleColor: 'var(--ink)',
    gridColor: 'var(--grid)',
    domainColor: 'var(--grid)',
    tickColor: 'var(--grid)',
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: 'normal',
  },
  legend: {
    labelColor: 'var(--ink)',
    titleColor: 'var(--ink)',
    orient: 'bottom',
    columns: 3,
    symbolType: 'stroke',
    symbolSize: 260,
    title: null,
    labelLimit: 400,
    labelFontSize: 11,
  },
  text: { fill: 'var(--ink)' },
} as const;

/** Draws a Vega-Lite specification. */
export async function draw({ id, title, description }: Omit<Chart, 'svg'>, spec: TopLevelSpec): Promise<Chart> {
  // Loaded when they are needed: Vega has top-level `await`, which CommonJS cannot require.
  const [{ parse, View }, { compile }] = await Promise.all([import('vega'), import('vega-lite')]);
  const full: TopLevelSpec = { ...spec, description: `${title}. ${description}`, config };
  const view = new View(parse(compile(full).spec), { renderer: 'none' });
  const svg = await view.toSVG();
  view.finalize();
  const label = escapeHtml(`${title}. ${description}`);
  const open = (tag: string) =>
    `${tag.replace('<svg', `<svg role="img" aria-label="${label}"`)}<style>${chartColors}</style>`;
  return { id, title, description, svg: svg.replace(/<svg[^>]*>/, open) };
}
