// npm test: sets up, then runs the tests of every package. Arguments go to turbo: npm test -- --filter=@bag/schedules
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bin, manifests, run } from './lib.mjs';
import { setUp } from './setup.mjs';

setUp();
console.error('tests: running those whose package has changed …');
const status = run(bin('turbo'), ['run', 'test', '--output-logs=errors-only', '--continue', ...process.argv.slice(2)]);

let [passed, failed] = [0, 0];
for (const { path, name } of [...manifests('packages'), ...manifests('apps')]) {
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
}
if (status !== 0 && failed === 0) failed = 1;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
