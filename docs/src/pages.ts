import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { testPage } from '@bag/testing';

const docs = new URL('../', import.meta.url);
const program = fileURLToPath(new URL('../../apps/cli/bin/bag.js', import.meta.url));
// README.md is the list of pages; results.md and performance.md record what took minutes or hours, with the commands that repeat it.
const pages = readdirSync(docs, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter(
    (path) => /^(commands\/)?[\w-]+\.md$/.test(path) && !['README.md', 'results.md', 'performance.md'].includes(path),
  )
  .sort();

/** Follows those pages that are chosen; each test file takes some, so that they share the cores. */
export function testPages(chosen: (path: string) => boolean): void {
  for (const page of pages.filter(chosen)) testPage(new URL(page, docs), { program });
}
