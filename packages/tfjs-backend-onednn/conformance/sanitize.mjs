// npm run sanitize: the conformance suite and this package's tests on an addon that AddressSanitizer and
// UndefinedBehaviorSanitizer watch. With arguments only the tests, which they go to.
import { spawnSync } from 'node:child_process';
import { findOneDnn } from '../scripts/onednn.mjs';
import { buildAddon, compiler, home } from './build.mjs';

const oneDnn = findOneDnn();
if (oneDnn === undefined) throw new Error('oneDNN is neither installed nor to be had');
const addon = await buildAddon('sanitize', oneDnn, [
  ...['-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer'],
]);

/** Node is not built for the sanitizers: they, and what they intercept exceptions in, must be there before it. */
function environment() {
  const pathOf = (name) => spawnSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout.trim();
  return {
    ...process.env,
    BAG_ONEDNN_ADDON: addon,
    LD_PRELOAD: ['libasan.so', 'libubsan.so', 'libstdc++.so.6'].map(pathOf).join(':'),
    // Node keeps much of what it allocates until it exits; the suites count the blocks of tensors themselves.
    ASAN_OPTIONS: 'detect_leaks=0:halt_on_error=1:abort_on_error=1',
    UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
  };
}

function run(name, command, args) {
  console.error(`sanitize: ${name} …`);
  const { status, signal } = spawnSync(command, args, { cwd: home, env: environment(), stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
  console.log(`sanitize: ${name}: ${status === 0 ? 'clean' : `failed (${signal ?? status})`}`);
}

const chosen = process.argv.slice(2);
if (chosen.length === 0) run('conformance', process.execPath, ['conformance/run.mjs']);
run('tests', 'npx', ['vitest', 'run', '--reporter=default', ...chosen]);
