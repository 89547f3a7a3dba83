import { type Chart, chartColors } from './charts/chart.js';
import { escapeHtml } from './html.js';

const style = `
${chartColors}
:root { color-scheme: light dark; --paper: #ffffff; --soft: #f4f6f8; --link: #0969da; }
@media screen and (prefers-color-scheme: dark) { :root { --paper: #0f1419; --soft: #1a2129; --link: #6cb6ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; } h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: 1rem; margin: 0 0 .3rem; }
p { max-width: 46rem; margin: .4rem 0; } a { color: var(--link); }
.lead { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0; padding: 0; list-style: none; }
.lead li { background: var(--soft); border-radius: .5rem; padding: .5rem .9rem; }
.lead b { display: block; font-size: 1.3rem; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1.2rem; }
figure { margin: 0; break-inside: avoid; } figure svg { width: 100%; height: auto; }
figcaption { font-size: .86rem; opacity: .85; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-size: .86rem; opacity: .85; padding-bottom: .3rem; }
th, td { padding: .25rem .8rem .25rem 0; text-align: left; border-bottom: 1px solid var(--grid); font-weight: normal; white-space: nowrap; }
thead th { font-weight: 600; } .number { text-align: right; }
details { margin: .6rem 0; } summary { cursor: pointer; }
pre { background: var(--soft); border-radius: .5rem; padding: .8rem; overflow-x: auto; font-size: .84rem; white-space: pre-wrap; overflow-wrap: anywhere; }
img { max-width: 100%; height: auto; border-radius: .25rem; }
.batch { image-rendering: pixelated; width: 34rem; }
.mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: .8rem; padding: 0; list-style: none; font-size: .84rem; }
.mistakes img { width: 100%; image-rendering: pixelated; }
@media print { body { max-width: none; padding: 0; font-size: 11pt; } details > * { display: block; } a { color: inherit; } }
`;

/** A whole page: nothing of it comes from elsewhere. */
export function page(title: string, sections: readonly string[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${sections.join('\n')}
</main>
</body>
</html>
`;
}

/** A chart with its caption. The colours come from the page, so the chart's own style is left out. */
export function figure({ title, description, svg }: Chart): string {
  const drawing = svg.replace(/<style>[\s\S]*?<\/style>/, '');
  return `<figure><h3>${escapeHtml(title)}</h3>${drawing}<figcaption>${escapeHtml(description)}</figcaption></figure>`;
}

export function section(title: string, ...parts: string[]): string {
  return `<section><h2>${escapeHtml(title)}</h2>\n${parts.join('\n')}\n</section>`;
}

/** What only those who ask for it see; printed in any case. */
export function details(summary: string, content: string): string {
  return `<details><summary>${escapeHtml(summary)}</summary>${content}</details>`;
}
