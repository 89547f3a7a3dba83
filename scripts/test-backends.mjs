// npm run test:backends [-- ENGINE…]: the contract of every package on every engine that this machine has, and a list of
// those that it lacks. What `npm test` does not run on (TensorFlow, WebGPU, a browser) gets all tests that name no engine.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bin, environment, manifests, root } from './lib.mjs';
import { setUp } from './setup.mjs';

const names = ['cpu', 'wasm', 'onednn', 'tensorflow', 'tensorflow-gpu', 'webgpu', 'browser'];
/** `npm test` runs on these. */
const alwaysTested = ['cpu', 'wasm', 'onednn'];

/** Why an engine cannot be had here; undefined where it can. */
function lack(engine) {
  const { failed } = runTests(engine, { path: join(root, 'tools', 'testing'), name: engine }, ['src/engines.test.ts']);
  return failed.find((line) => line.includes(' starts: '))?.replace(/^.*? starts: (?:\w*Error: )?/, '');
}

/** The test files of a package that run on each engine; where `npm test` runs them anyway, the proof of its contract. */
function filesFor(engine, path) {
  const source = join(path, 'src');
  const files = readdirSync(source, { recursive: true }).filter((name) => name.endsWith('.test.ts'));
  const chosen = alwaysTested.includes(engine)
    ? files.filter((name) => /(contract|agreement)\.test\.ts$/.test(name))
    : files.filter((name) => /\b(testContract|describeOnBackends)\(/.test(readFileSync(join(source, name), 'utf8')));
  return chosen.map((name) => `src/${name}`);
}

/** Runs some of a package's tests on an engine; gives what failed by name. */
function runTests(engine, { path, name }, files, backends = engine) {
  if (files.length === 0) return { passed: 0, failed: [] };
  const file = join(path, '.cache', `tests-${engine}.json`);
  rmSync(file, { force: true });
  const options = ['run', ...files, '--reporter=json', `--outputFile=${file}`];
  const { stdout, stderr } = spawnSync(bin('vitest'), options, {
    cwd: path,
    env: { ...environment, BAG_TEST_BACKENDS: backends },
    encoding: 'utf8',
  });
  if (!existsSync(file)) return { passed: 0, failed: [`${name}: ${(stderr || stdout).trim().split('\n').at(-1)}`] };
  const { numPassedTests, testResults } = JSON.parse(readFileSync(file, 'utf8'));
  const failed = testResults.flatMap(({ status, message, assertionResults }) => {
    if (status === 'failed' && assertionResults.length === 0) return [`${name}: ${message}`];
    const broken = assertionResults.filter((one) => one.status === 'failed');
    return broken.map((one) => `${name}: ${one.fullName}: ${one.failureMessages[0]?.split('\n')[0]}`);
  });
  return { passed: numPassedTests, failed };
}

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
  const page = runTests('browser', app, ['src/page.test.ts'], 'wasm,webgl,webgpu');
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
  const results = [...manifests('packages'), ...manifests('apps')].map((one) =>
    runTests(engine, one, filesFor(engine, one.path)),
  );
  return {
    passed: results.reduce((sum, one) => sum + one.passed, 0),
    failed: results.flatMap((one) => one.failed),
  };
}

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !names.includes(name));
if (unknown !== undefined) {
  console.error(`test:backends: no engine ${unknown}; there are ${names.join(', ')}`);
  process.exit(2);
}
setUp();
let [passed, failed] = [0, 0];
for (const engine of wanted.length > 0 ? wanted : names) {
  const start = Date.now();
  const result = testEngine(engine);
  if (result.missing !== undefined) {
    console.log(`${engine}: lacking: ${result.missing}`);
    // One that was asked for by name has to be there.
    if (wanted.length > 0) failed++;
    continue;
  }
  const seconds = Math.round((Date.now() - start) / 1000);
  console.log(`${engine}: ${result.passed} passed, ${result.failed.length} failed in ${seconds} s`);
  for (const line of result.failed) console.log(`  FAIL ${line}`);
  passed += result.passed;
  failed += result.failed.length;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
