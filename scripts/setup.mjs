// Installs and builds what has changed since the last time, and nothing else.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildNative } from '../packages/tfjs-backend-onednn/scripts/build.mjs';
import { bin, root, runQuietly } from './lib.mjs';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Node ${process.version} is too old; install Node 20.19 or newer from nodejs.org`);
  process.exit(2);
}

const lock = join(root, 'package-lock.json');
const stamp = join(root, 'node_modules', '.installed');

function install() {
  const hash = createHash('sha256').update(readFileSync(lock)).update(process.version).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  console.error('set-up: installing dependencies (npm ci) …');
  if (runQuietly('npm', ['ci', '--no-audit', '--no-fund']) === undefined) {
    console.error('set-up: npm ci failed; see above');
    process.exit(1);
  }
  writeFileSync(stamp, hash);
}

function build() {
  console.error('set-up: building what has changed …');
  if (runQuietly(bin('turbo'), ['run', 'build', '--output-logs=errors-only']) === undefined) {
    console.error('set-up: the build failed; see above');
    process.exit(1);
  }
}

export function setUp() {
  install();
  buildNative();
  build();
}

// npm run setup
if (import.meta.url === pathToFileURL(process.argv[1]).href) setUp();
