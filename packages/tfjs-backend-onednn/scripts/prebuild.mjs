// npm run build:prebuilds: the addon for machines that have neither a compiler nor oneDNN. It lies in
// prebuilds/linux-x64 with the libraries that it needs and their licences. `npm pack` asks for it; it is made anew only
// if something has changed.
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bin, root, runQuietly } from '../../../scripts/lib.mjs';
import { gypEnvironment, home, ingredients, obstacle } from './build.mjs';
import { output, pinnedOneDnn } from './onednn.mjs';

const prebuilds = join(home, 'prebuilds');
const folder = join(prebuilds, 'linux-x64');
const stamp = join(root, '.cache', 'prebuilt-of');

/** The addon alone, by prebuildify, which begins from nothing: in a copy, so that build/ stays. */
function buildAddon(oneDnn) {
  const copy = join(root, '.cache', 'prebuild');
  rmSync(copy, { recursive: true, force: true });
  for (const name of ['package.json', 'binding.gyp', 'native']) {
    cpSync(join(home, name), join(copy, name), { recursive: true });
  }
  const options = ['--strip', '--tag-libc', `--target=${process.versions.node}`, `--out=${home}`];
  const built = runQuietly(bin('prebuildify'), options, { cwd: copy, env: gypEnvironment(oneDnn) });
  return built !== undefined;
}

function addLibrary(from, name) {
  return output('strip', ['--strip-unneeded', '-o', join(folder, name), from]) !== undefined;
}

/** oneDNN is under Apache-2.0; libgomp under GPL-3.0 with GCC's exception, and one must be able to find its source. */
function addLicences(oneDnn) {
  const licences = join(folder, 'licences');
  const format = '${Package} ${Version} (source package ${source:Package} ${source:Version})';
  const origin = output('dpkg-query', ['--show', `--showformat=${format}`, 'libgomp1']);
  const texts = {
    'oneDNN-LICENSE.txt': join(oneDnn, 'doc', 'LICENSE'),
    'oneDNN-THIRD-PARTY-PROGRAMS.txt': join(oneDnn, 'doc', 'THIRD-PARTY-PROGRAMS'),
    'libgomp-copyright.txt': '/usr/share/doc/libgomp1/copyright',
    'libgomp-GPL-3.txt': '/usr/share/common-licenses/GPL-3',
  };
  if (origin === undefined || !Object.values(texts).every(existsSync)) return false;
  mkdirSync(licences);
  for (const [name, from] of Object.entries(texts)) copyFileSync(from, join(licences, name));
  writeFileSync(
    join(licences, 'README.txt'),
    `libdnnl.so.3: oneDNN 3.2.0, Apache-2.0, from the wheel onednn-cpu-gomp 2023.2.0 on PyPI.
libgomp.so.1: GPL-3.0 with the GCC Runtime Library Exception, from Debian's package ${origin}.
Both are unchanged but for stripped symbols.
`,
  );
  return true;
}

/** Why it cannot be made, or undefined. */
function prebuild() {
  const lacks = obstacle();
  if (lacks !== undefined) return lacks[0];
  console.error('pack: building the native engine for other machines …');
  const oneDnn = pinnedOneDnn();
  if (oneDnn === undefined) return 'pip does not bring the pinned oneDNN (on Linux, x64)';
  rmSync(prebuilds, { recursive: true, force: true });
  if (!buildAddon(oneDnn)) return 'it does not compile, see above';
  const added =
    addLibrary(join(oneDnn, 'lib', 'libdnnl.so.3'), 'libdnnl.so.3') &&
    addLibrary(output('g++', ['-print-file-name=libgomp.so.1']), 'libgomp.so.1');
  if (!added) return 'libdnnl.so.3 or libgomp.so.1 cannot be stripped';
  return addLicences(oneDnn) ? undefined : "the licences are missing; it is made on Debian, with Debian's libgomp1";
}

const wanted = ingredients();
if (!existsSync(folder) || !existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  const failure = prebuild();
  if (failure === undefined) {
    writeFileSync(stamp, wanted);
  } else {
    rmSync(prebuilds, { recursive: true, force: true });
    console.error(`pack: no prebuilt engine in the package: ${failure}`);
    // A package without it may be looked at, but not published.
    if (process.env.npm_command !== 'pack') process.exitCode = 1;
  }
}
