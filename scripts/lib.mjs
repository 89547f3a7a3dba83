// What the scripts share: the repository's root, child processes, quiet environments.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
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
