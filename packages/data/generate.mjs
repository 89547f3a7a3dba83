// Compiles `assembly/` and the threads' program, and writes both as modules that hold them as text: so one file serves
// the ESM build, the CJS build and a bundle alike. Runs before each build (tsup.config.ts).
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { build } from 'esbuild';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

function write(path, name, text) {
  const content = `/** Made by generate.mjs. */\nexport const ${name}: string = ${JSON.stringify(text)};\n`;
  let present = '';
  try {
    present = readFileSync(at(path), 'utf8');
  } catch {
    // The first time.
  }
  if (present !== content) writeFileSync(at(path), content);
}

export async function generate() {
  let binary;
  const options = [
    '-O3',
    '--converge',
    '--noAssert',
    '--enable',
    'simd',
    '--runtime',
    'stub',
    '--use',
    'abort=',
    '--debug',
  ];
  const { error, stderr } = await asc.main(['index.ts', '-o', 'pixels.wasm', ...options], {
    readFile: (name) => {
      try {
        return readFileSync(at(`assembly/${name}`), 'utf8');
      } catch {
        return null;
      }
    },
    writeFile: (name, content) => {
      if (name === 'pixels.wasm') binary = content;
    },
    listFiles: () => [],
  });
  if (error) throw new Error(`assembly: ${stderr.toString()}`);
  write('src/node/worker/pixels.generated.ts', 'program', Buffer.from(binary).toString('base64'));

  const { outputFiles } = await build({
    entryPoints: [at('src/node/worker/main.ts')],
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minify: true,
    write: false,
  });
  write('src/node/worker.generated.ts', 'workerProgram', outputFiles[0].text);
}
