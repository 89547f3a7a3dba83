// npm run test:backends [-- ENGINE…]: the contract of every package on every engine that this machine has, and a list of
// those that it lacks. What `npm test` does not run on (TensorFlow, WebGPU, a browser) gets all tests that name no engine.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { conclude, environment, packages, root, runTests, sum, testFiles } from './lib.mjs';
import { setUp } from './setup.mjs';

const names = ['cpu', 'wasm', 'onednn', 'tensorflow', 'tensorflow-gpu', 'webgpu', 'browser'];
/** `npm test` runs on these. */
const alwaysTested = ['cpu', 'wasm', 'onednn'];

const on = (engines) => ({ BAG_TEST_BACKENDS: engines });

/** Why an engine cannot be had here; undefined where it can. */
function lack(engine) {
  const testing = { path: join(root, 'tools', 'testing'), name: engine };
  const { failed } = runTests(engine, testing, ['src/engines.test.ts'], on(engine));
  return failed.find((line) => line.includes(' starts: '))?.replace(/^.*? starts: (?:\w*Error: )?/, '');
}

/** The test files of a package that run on each engine; where `npm test` runs them anyway, the proof of its contract. */
const filesFor = (engine, path) =>
  alwaysTested.includes(engine)
    ? testFiles(path, /(contract|agreement)\.test\.ts$/)
    : testFiles(path, /(?<!\.long)\.test\.ts$/, /\b(testContract|describeOnBackends)\(/);

/** A browser's engines: the contracts, and a page that trains. */
function testBrowser() {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts', 'test-browser.mjs')], {
    cwd: root,
    env: environment,
    encoding: 'utf8',
  });
  const counts = [...stdout.matchAll(/^(.+): (\d+) passed, (\d+) failed$/gm)];
  if (counts.length === 0 && stderr.includes('is there a Chromium?')) {
    return { missing: 'no Chromium; install it (apt-get install chromium), or name one by CHROMIUM_PATH' };
  }
  for (const [line] of counts) console.log(`browser, ${line}`);
  const app = { path: join(root, 'apps', 'browser'), name: '@bag/browser' };
  const page = runTests('browser', app, ['src/page.test.ts'], on('wasm,webgl,webgpu'));
  const contracts = [...stdout.matchAll(/^ *(?:FAIL|×) +(.*)$/gm)].map(([, title]) => title);
  const nothing = counts.length === 0 ? [stderr.trim().split('\n').at(-1)] : [];
  const failed = [...page.failed, ...contracts, ...nothing];
  if (status !== 0 && failed.length === 0) failed.push('test:browser fails');
  return { passed: page.passed + counts.reduce((sum, [, , passed]) => sum + Number(passed), 0), failed };
}

/** All tests that an engine gets, or why there are none. */
function testEngine(engine) {
  if (engine === 'browser') return testBrowser();
  const missing = lack(engine);
  if (missing !== undefined) return { missing };
  return sum(packages().map((one) => runTests(engine, one, filesFor(engine, one.path), on(engine))));
}

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !names.includes(name));
if (unknown !== undefined) {
  console.error(`test:backends: no engine ${unknown}; there are ${names.join(', ')}`);
  process.exit(2);
}
setUp();
const results = [];
for (const engine of wanted.length > 0 ? wanted : names) {
  const start = Date.now();
  const result = testEngine(engine);
  if (result.missing !== undefined) {
    console.log(`${engine}: lacking: ${result.missing}`);
    // One that was asked for by name has to be there.
    if (wanted.length > 0) results.push({ passed: 0, failed: [engine] });
    continue;
  }
  const seconds = Math.round((Date.now() - start) / 1000);
  console.log(`${engine}: ${result.passed} passed, ${result.failed.length} failed in ${seconds} s`);
  for (const line of result.failed) console.log(`  FAIL ${line}`);
  results.push(result);
}
conclude(sum(results));
