// Checks the packed tarballs with publint and are-the-types-wrong, as their users will get them.
import { bin, runQuietly } from './lib.mjs';
import { packAll } from './pack.mjs';
import { setUp } from './setup.mjs';

setUp();
let failed = 0;
for (const { name, tarball, isLibrary } of packAll()) {
  const lint = runQuietly(bin('publint'), [tarball, '--strict']) !== undefined;
  // Old `node10` resolution knows no subpaths; the packages ask for Node 20.
  const types =
    !isLibrary || runQuietly(bin('attw'), [tarball, '--profile', 'node16', '--format', 'ascii']) !== undefined;
  const good = lint && types;
  console.log(`${good ? 'ok  ' : 'FAIL'} ${name}`);
  if (!good) failed++;
}
process.exitCode = failed === 0 ? 0 : 1;
