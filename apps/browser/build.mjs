// The page as plain files in dist/, to be served by anything: node build.mjs
import { cp, mkdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const out = join(here, 'dist');
const wasm = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));

await rm(out, { recursive: true, force: true });
await mkdir(out);
const { metafile } = await build({
  entryPoints: [join(here, 'src/page.ts')],
  outdir: out,
  bundle: true,
  minify: true,
  sourcemap: true,
  format: 'esm',
  target: 'es2022',
  // Never `main` where there is `module`: two builds of tfjs-core are two engines, each without the other's kernels.
  mainFields: ['browser', 'module', 'main'],
  metafile: true,
  logLevel: 'warning',
});
const cores = Object.keys(metafile.inputs).filter((path) => /tfjs-core\/dist\/(engine|tf-core[^/]*)\.js$/.test(path));
if (cores.length !== 1) throw new Error(`expected one build of tfjs-core in the bundle, found ${cores.join(', ')}`);

for (const file of ['index.html', 'page.css']) await cp(join(here, file), join(out, file));
for (const kind of ['', '-simd', '-threaded-simd']) {
  const file = `tfjs-backend-wasm${kind}.wasm`;
  await cp(join(wasm, file), join(out, 'wasm', file));
}
