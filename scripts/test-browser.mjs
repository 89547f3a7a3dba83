// npm run test:browser: the contracts of all packages in Chromium, on each engine of a browser. BAG_TEST_BACKENDS names
// some of them; arguments go to vitest: npm run test:browser -- packages/ops
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bin, root, run } from './lib.mjs';
import { setUp } from './setup.mjs';

setUp();
const report = join(root, '.cache', 'browser-tests.json');
rmSync(report, { force: true });
const status = run(bin('vitest'), ['run', '--config', 'tools/vitest.browser.ts', ...process.argv.slice(2)]);
const { testResults = [] } = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : {};
if (testResults.every(({ assertionResults }) => assertionResults.length === 0)) {
  console.error('no tests have run; is there a Chromium? name one by CHROMIUM_PATH');
  process.exit(1);
}
const counts = new Map();
for (const { status: file, assertionResults } of testResults) {
  // A file that does not load has no tests, but it has failed.
  if (file === 'failed' && assertionResults.length === 0) count('files', 'failed');
  for (const { fullName, status: one } of assertionResults) {
    if (one === 'passed' || one === 'failed') count(/\[([a-z]+)\]/.exec(fullName)?.[1] ?? 'no engine', one);
  }
}
for (const [engine, { passed, failed }] of counts) console.log(`${engine}: ${passed} passed, ${failed} failed`);
process.exitCode = status;

function count(engine, outcome) {
  if (!counts.has(engine)) counts.set(engine, { passed: 0, failed: 0 });
  counts.get(engine)[outcome]++;
}
