// Where oneDNN comes from. The first of these that there is:
//
// 1. the folder that ONEDNN_ROOT names;
// 2. the wheels that onednn-wheels.txt pins: the version that the package ships, so that everyone computes the same,
//    and it asks for no newer glibc than 2.27. They are for Linux on x64 and come by pip;
// 3. an installed one, which needs no network, but is whatever version the system has;
// 4. the system's Debian packages.
//
// Wheels and packages are not installed but unpacked in .cache/onednn; nothing outside the repository changes.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment, root } from '../../../scripts/lib.mjs';

const cache = join(root, '.cache', 'onednn');
const requirements = fileURLToPath(new URL('onednn-wheels.txt', import.meta.url));

/** What a command prints, or undefined if it fails or is missing. */
export function output(command, args, options) {
  const { status, stdout } = spawnSync(command, args, { env: environment, encoding: 'utf8', ...options });
  return status === 0 ? stdout.trim() : undefined;
}

const hasHeader = (folder) => existsSync(join(folder, 'include/oneapi/dnnl/dnnl.hpp'));

/** A folder of the cache that `fill` makes in another, so that one that is there is whole. */
function cached(name, fill) {
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  const draft = `${folder}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  try {
    const filled = fill(draft);
    if (filled !== undefined) renameSync(filled, folder);
    return filled && folder;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

const filesIn = (folder, end) => readdirSync(folder).filter((name) => name.endsWith(end));

/** The pinned oneDNN with its licences in `doc`, or undefined. */
export function pinnedOneDnn() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  return cached('wheels', (draft) => {
    const python = (...args) => output('python3', ['-m', ...args], { cwd: draft }) !== undefined;
    const pip = ['pip', 'download', '--quiet', '--timeout', '20', '--retries', '1', '--no-deps'];
    if (!python(...pip, '--only-binary=:all:', '--require-hashes', '-r', requirements)) return undefined;
    if (!filesIn(draft, '.whl').every((wheel) => python('zipfile', '-e', wheel, '.'))) return undefined;
    const [library, devel] = filesIn(draft, '.data').sort();
    const filled = join(draft, library, 'data');
    renameSync(join(draft, devel, 'data/include'), join(filled, 'include'));
    renameSync(join(filled, 'share/doc/onednn'), join(filled, 'doc'));
    // A wheel holds no links but three copies; the linker wants the short name.
    rmSync(join(filled, 'lib/libdnnl.so.3.2'));
    rmSync(join(filled, 'lib/libdnnl.so'));
    symlinkSync('libdnnl.so.3', join(filled, 'lib/libdnnl.so'));
    return filled;
  });
}

function installedOneDnn() {
  const folders = ['/usr', '/usr/local', '/opt/homebrew', output('pkg-config', ['--variable=prefix', 'dnnl']) ?? ''];
  return folders.find(hasHeader);
}

/** Debian's packages, unpacked, or undefined. */
export function debianOneDnn() {
  return cached('debian', (draft) => {
    const run = (command, ...args) => output(command, args, { cwd: draft });
    if (run('apt-get', 'download', 'libdnnl-dev') === undefined) return undefined;
    const [library] = /\blibdnnl\d[\w.]*/.exec(run('dpkg-deb', '-f', filesIn(draft, '.deb')[0], 'Depends')) ?? [];
    if (library === undefined || run('apt-get', 'download', library) === undefined) return undefined;
    if (!filesIn(draft, '.deb').every((file) => run('dpkg-deb', '-x', file, '.') !== undefined)) return undefined;
    // usr/lib/x86_64-linux-gnu is one folder too deep for ONEDNN_ROOT.
    const filled = join(draft, 'usr');
    renameSync(join(filled, 'lib', filesIn(join(filled, 'lib'), '-linux-gnu')[0]), join(filled, 'libraries'));
    rmSync(join(filled, 'lib'), { recursive: true });
    renameSync(join(filled, 'libraries'), join(filled, 'lib'));
    return filled;
  });
}

/** The folder with oneDNN's include/ and lib/, or undefined. */
export function findOneDnn() {
  const { ONEDNN_ROOT: given } = process.env;
  if (given) return hasHeader(given) ? resolve(given) : undefined;
  return pinnedOneDnn() ?? installedOneDnn() ?? debianOneDnn();
}
