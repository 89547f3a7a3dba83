// npm run test:conformance: the specs that tfjs-core carries, on this backend. An argument runs those whose name has it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import Jasmine from 'jasmine';
import { exclusions } from './exclusions.mjs';

const specsInTfjsCore = 4232;
const mostExclusions = 10;
const pathOf = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const wanted = process.argv.slice(2).join(' ');

const bundle = pathOf('../.cache/conformance.cjs');
await build({
  entryPoints: [pathOf('suite.mjs')],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  mainFields: ['module', 'main'],
  // tfjs-core says that its files have no side effects, but to declare a spec is one.
  ignoreAnnotations: true,
  // From where the backend looks for its native part.
  define: { 'import.meta.url': JSON.stringify(pathToFileURL(pathOf('../src/native.ts'))) },
  plugins: [{ name: 'switching', setup: switchOurs }],
  logLevel: 'error',
});

/** Two specs switch between backends, for the simplest one only: `cpu`. They hold for any; here it is this one. */
function switchOurs({ onLoad }) {
  onLoad({ filter: /tfjs-core.dist.engine_test\.js$/ }, ({ path }) => ({
    contents: readFileSync(path, 'utf8').replaceAll("'cpu'", "'onednn'"),
  }));
}

const failures = [];
const counts = { passed: 0, pending: 0, failed: 0, excluded: 0 };
let lostBefore = 0;
const unused = new Set(exclusions.map(({ name }) => name));
const complain = (message) => failures.push({ name: 'conformance', messages: [message] });

const jasmine = new Jasmine();
jasmine.exitOnCompletion = false;
jasmine.randomizeTests(false);
jasmine.clearReporters();
jasmine.addReporter({
  jasmineStarted({ totalSpecsDefined }) {
    if (totalSpecsDefined !== specsInTfjsCore) complain(`${totalSpecsDefined} specs loaded, not ${specsInTfjsCore}`);
    console.error(`conformance: running ${totalSpecsDefined} specs …`);
  },
  specDone: report,
  // What fails in beforeAll or afterAll belongs to no spec.
  suiteDone: ({ fullName, failedExpectations }) => {
    if (failedExpectations.length > 0) fail(fullName, failedExpectations);
  },
});
jasmine.env.configure({
  specFilter(spec) {
    const name = spec.getFullName();
    return !unused.delete(name) && !exclusions.some((one) => one.name === name) && name.includes(wanted);
  },
});

function report({ fullName, status, failedExpectations }) {
  counts[status]++;
  if (status === 'excluded') return;
  if (status === 'failed') fail(fullName, failedExpectations);
  const lost = lostBlocks();
  if (lost > lostBefore) failures.push({ name: fullName, messages: [`lost ${lost - lostBefore} native blocks`] });
  lostBefore = lost;
  const done = counts.passed + counts.pending + counts.failed;
  if (done % 1000 === 0) console.error(`conformance: ${done} …`);
}

function fail(name, expectations) {
  failures.push({ name, messages: expectations.map(({ message, stack }) => `${message}\n${placeOf(stack)}`) });
}

/** The line of the spec, without those of jasmine. */
function placeOf(stack = '') {
  return stack
    .split('\n')
    .filter((line) => line.includes(bundle))
    .slice(0, 6)
    .join('\n');
}

const { lostBlocks } = createRequire(import.meta.url)(bundle);
if (exclusions.length > mostExclusions) complain(`${exclusions.length} exclusions, more than ${mostExclusions}`);
await jasmine.execute();
for (const name of unused) complain(`no spec has the excluded name "${name}"`);
// Every suite resets the engine behind itself.
if (lostBlocks() > 0) complain(`${lostBlocks()} native blocks are still in use`);

for (const { name, messages } of failures) console.error(`\n✗ ${name}\n${messages.join('\n')}`);
const { passed, pending, failed, excluded } = counts;
console.log(
  `${passed + pending + failed + excluded} specs: ${passed} passed, ${pending} pending, ${failed} failed` +
    (excluded > 0 ? `, ${excluded} not run` : ''),
);
process.exitCode = failures.length > 0 ? 1 : 0;
