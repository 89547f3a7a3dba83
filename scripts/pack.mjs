// Packs public packages into a folder, as `npm publish` would.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { manifests, root, runQuietly } from './lib.mjs';

/**
 * @param {(manifest: {name: string}) => boolean} [wanted] all by default
 * @returns {{name: string, version: string, tarball: string, isLibrary: boolean}[]}
 */
export function packAll(wanted = () => true) {
  const folder = join(root, '.cache', 'packed');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return [...manifests('packages'), ...manifests('apps')]
    .filter((manifest) => !manifest.private && wanted(manifest))
    .map(({ path, name, version, exports }) => {
      const output = runQuietly('npm', ['pack', '--json', '--pack-destination', folder], { cwd: path });
      if (output === undefined) process.exit(1);
      const [{ filename }] = JSON.parse(output);
      return { name, version, tarball: join(folder, filename), isLibrary: exports !== undefined };
    });
}
