// What the scripts share: the repository's root, child processes, quiet environments.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Nothing is reported to anyone, and nothing outside the repository is written. */
export const environment = {
  ...process.env,
  TURBO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
  TURBO_CONFIG_DIR_PATH: join(root, '.turbo', 'config'),
  npm_config_cache: join(root, '.cache', 'npm'),
  npm_config_update_notifier: 'false',
};

/** Runs a command; its output is shown only if it fails. Returns what it printed, or undefined if it failed. */
export function runQuietly(command, args, options = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    env: environment,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    ...options,
  });
  if (result.status === 0) return result.stdout;
  process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}\n`);
  return undefined;
}

/** Runs a command with this process's input and output; returns its exit status. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, env: environment, stdio: 'inherit', ...options });
  return result.status ?? 1;
}

export const bin = (name) => join(root, 'node_modules', '.bin', name);

/** The manifests of all packages under a folder, with their paths. */
export function manifests(folder) {
  return readdirSync(join(root, folder))
    .map((name) => join(root, folder, name))
    .filter((path) => existsSync(join(path, 'package.json')))
    .map((path) => ({ path, ...JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) }));
}

/** Packages that hold tests. */
export const packages = () => [...manifests('packages'), ...manifests('apps')];

/** The test files below a package's `src` whose name, and whose text where that is asked for, match; as vitest wants them. */
export function testFiles(path, name, text) {
  const source = join(path, 'src');
  return readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && name.test(file))
    .filter((file) => text === undefined || text.test(readFileSync(join(source, file), 'utf8')))
    .map((file) => `src/${file}`);
}

/**
 * Runs some of a package's tests and gives how many passed, and what failed by name.
 *
 * @param {string} title Names the report.
 * @param {object} env Variables of the environment.
 * @param {string[]} more Options of vitest.
 */
export function runTests(title, { path, name }, files, env, more = []) {
  if (files.length === 0) return { passed: 0, failed: [] };
  const file = join(path, '.cache', `tests-${title}.json`);
  rmSync(file, { force: true });
  const options = ['run', ...files, ...more, '--reporter=json', `--outputFile=${file}`];
  const { status, stdout, stderr } = spawnSync(bin('vitest'), options, {
    cwd: path,
    env: { ...environment, ...env },
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (!existsSync(file)) return { passed: 0, failed: [`${name}: ${(stderr || stdout).trim().split('\n').at(-1)}`] };
  const { numPassedTests, testResults } = JSON.parse(readFileSync(file, 'utf8'));
  const failed = testResults.flatMap(({ status, message, assertionResults }) => {
    // A file that does not load has no tests, but it has failed.
    if (status === 'failed' && assertionResults.length === 0) return [`${name}: ${message}`];
    const broken = assertionResults.filter((one) => one.status === 'failed');
    return broken.map((one) => `${name}: ${one.fullName}: ${one.failureMessages[0]?.split('\n')[0]}`);
  });
  if (status !== 0 && failed.length === 0) failed.push(`${name}: vitest ends with status ${status}`);
  return { passed: numPassedTests, failed };
}

/** Adds up what several `runTests` gave. */
export const sum = (results) => ({
  passed: results.reduce((total, one) => total + one.passed, 0),
  failed: results.flatMap((one) => one.failed),
});

/** The line that `.ci/run` looks for; the process fails where a test did. */
export function conclude({ passed, failed }) {
  console.log(`${passed} passed, ${failed.length} failed`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}
