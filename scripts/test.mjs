// npm test: sets up, then runs the tests of every package. Arguments go to turbo: npm test -- --filter=@bag/schedules
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { bin, manifests, packages, run } from './lib.mjs';
import { setUp } from './setup.mjs';

/** On an idle machine no test takes as long: the rule that CONTRIBUTING.md has. */
const longestMs = 10_000;

setUp();
console.error('tests: running those whose package has changed …');
// The files of a package share the cores, so that each test has one; with many cores, two packages fill them better.
const concurrency = `--concurrency=${availableParallelism() < 4 ? 1 : 2}`;
const options = ['--output-logs=errors-only', '--continue', concurrency];
const status = run(bin('turbo'), ['run', 'test', ...options, ...process.argv.slice(2)]);

let [passed, failed] = [0, 0];
const slow = [];
// The documentation is a package of the root.
for (const { path, name } of [...packages(), ...manifests('.').filter(({ scripts }) => scripts?.test !== undefined)]) {
  const file = join(path, '.cache', 'tests.json');
  if (!existsSync(file)) {
    if (process.argv.length === 2) {
      console.error(`tests: ${name} left no report`);
      failed++;
    }
    continue;
  }
  const report = JSON.parse(readFileSync(file, 'utf8'));
  // A file that does not load has no tests, but it has failed.
  const broken = report.testResults.filter((one) => one.status === 'failed' && one.assertionResults.length === 0);
  passed += report.numPassedTests;
  failed += report.numFailedTests + broken.length;
  for (const one of report.testResults.flatMap(({ assertionResults }) => assertionResults)) {
    if (one.duration > longestMs)
      slow.push({ seconds: Math.round(one.duration / 1000), name: `${name}: ${one.fullName}` });
  }
}
slow.sort((a, b) => b.seconds - a.seconds);
if (slow.length > 0) console.log(`over ${longestMs / 1000} s, ${slow.length} tests; an idle machine should have none:`);
for (const one of slow.slice(0, 5)) console.log(`  ${one.seconds} s  ${one.name}`);
if (status !== 0 && failed === 0) failed = 1;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
