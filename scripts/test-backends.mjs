// npm run test:backends [-- ENGINE…]: the contract of every package on every engine that this machine has, and a list of
// those that it lacks. What `npm test` does not run on (TensorFlow, WebGPU, a browser) gets all tests that name no engine.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bin, environment, manifests, root } from './lib.mjs';
import { setUp } from './setup.mjs';

const names = ['cpu', 'wasm', 'onednn', 'tensorflow', 'tensorflow-gpu', 'webgpu'];
/** `npm test` runs on these. */
const alwaysTested = ['cpu', 'wasm', 'onednn'];

/** Why an engine cannot be had here; undefined where it can. */
function lack(engine) {
  const { failed } = runTests(engine, { path: join(root, 'tools', 'testing'), name: engine }, ['src/engines.test.ts']);
  return failed[0]?.replace(/^.*?(?:starts and computes|Error): /, '').replace(/^\w*Error: /, '');
}

/** The test files of a package that run on each engine, as far as this engine is to get them. */
function filesFor(engine, path) {
  const source = join(path, 'src');
  const names = readdirSync(source, { recursive: true }).filter((name) => name.endsWith('.test.ts'));
  const wanted = alwaysTested.includes(engine)
    ? /\btestContract\(|\btestAgreement\(/
    : /\b(testContract|testAgreement|describeOnBackends)\(/;
  return names.filter((name) => wanted.test(readFileSync(join(source, name), 'utf8'))).map((name) => `src/${name}`);
}

/** Runs some of a package's tests on an engine; gives what failed by name. */
function runTests(engine, { path, name }, files) {
  if (files.length === 0) return { passed: 0, failed: [] };
  const file = join(path, '.cache', `tests-${engine}.json`);
  rmSync(file, { force: true });
  const options = ['run', ...files, '--reporter=json', `--outputFile=${file}`];
  const { stdout, stderr } = spawnSync(bin('vitest'), options, {
    cwd: path,
    env: { ...environment, BAG_TEST_BACKENDS: engine },
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

setUp();
const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !names.includes(name));
if (unknown !== undefined) {
  console.error(`test:backends: no engine ${unknown}; there are ${names.join(', ')}`);
  process.exit(2);
}
const engines = names.filter((name) => wanted.length === 0 || wanted.includes(name));
const packages = [...manifests('packages'), ...manifests('apps')];
let [passed, failed] = [0, 0];
for (const engine of engines) {
  const missing = lack(engine);
  if (missing !== undefined) {
    console.log(`${engine}: lacking: ${missing}`);
    if (wanted.length > 0) failed++;
    continue;
  }
  const start = Date.now();
  const results = packages.map((one) => runTests(engine, one, filesFor(engine, one.path)));
  const broken = results.flatMap((one) => one.failed);
  const good = results.reduce((sum, one) => sum + one.passed, 0);
  console.log(`${engine}: ${good} passed, ${broken.length} failed (${Math.round((Date.now() - start) / 1000)} s)`);
  for (const line of broken) console.log(`  FAIL ${line}`);
  passed += good;
  failed += broken.length;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
