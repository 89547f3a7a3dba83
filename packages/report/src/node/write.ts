import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Report } from '../report.js';

/**
 * Writes a report's page, and its charts as SVG files into `charts/` beside it.
 *
 * @example
 * await writeReport(await runReport(await readRunData('runs/mine')), 'runs/mine/report.html');
 */
export async function writeReport({ html, charts }: Report, path: string): Promise<void> {
  const folder = join(dirname(path), 'charts');
  await mkdir(folder, { recursive: true });
  for (const { id, svg } of charts) await writeFile(join(folder, `${id}.svg`), svg);
  // Renamed once it is whole: a reader sees the old page or the new one.
  await writeFile(`${path}.tmp`, html);
  await rename(`${path}.tmp`, path);
}
