// npm run test:conformance: the specs that tfjs-core carries and that read asynchronously, on this backend. An argument
// runs those whose name has it. It takes minutes on SwiftShader, so CI leaves it out.
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import Jasmine from 'jasmine';
import { exclusions } from './exclusions.mjs';

const pathOf = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const wanted = process.argv.slice(2).join(' ');

// Inside of node_modules no other check looks at it, and `webgpu` is found from it.
const folder = pathOf('../node_modules/.conformance/');
mkdirSync(folder, { recursive: true });
const bundle = `${folder}conformance.cjs`;
await build({
  entryPoints: [pathOf('suite.mjs')],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  mainFields: ['module', 'main'],
  // tfjs-core says that its files have no side effects, but to declare a spec is one.
  ignoreAnnotations: true,
  external: ['webgpu'],
  logLevel: 'error',
});

const counts = { passed: 0, pending: 0, failed: 0, excluded: 0 };
const unused = new Set(Object.keys(exclusions));
const failures = [];

const jasmine = new Jasmine();
jasmine.exitOnCompletion = false;
jasmine.randomizeTests(false);
jasmine.clearReporters();
// The first use of a shader compiles it.
jasmine.jasmine.DEFAULT_TIMEOUT_INTERVAL = 60_000;
jasmine.addReporter({
  specDone({ fullName, status, failedExpectations }) {
    const name = fullName.trim();
    const excluded = Object.keys(exclusions).find((start) => name.startsWith(start));
    if (status === 'failed' && excluded !== undefined) {
      unused.delete(excluded);
      counts.excluded++;
      return;
    }
    if (status in counts && status !== 'excluded') counts[status]++;
    if (status === 'failed') failures.push({ name, messages: failedExpectations.map(({ message }) => message) });
  },
});
jasmine.env.configure({ specFilter: (spec) => spec.getFullName().includes(wanted) });

const { startWebGpu } = createRequire(import.meta.url)(bundle);
const { description } = await startWebGpu();
console.error(`conformance: on ${description} …`);
await jasmine.execute();

for (const { name, messages } of failures) console.error(`\n✗ ${name}\n${messages.join('\n')}`);
if (wanted === '') for (const name of unused) console.error(`no spec that fails begins with "${name}"`);
const { passed, pending, failed, excluded } = counts;
console.log(`${passed} passed, ${failed} failed, ${pending} pending, ${excluded} known to fail`);
process.exit(failed > 0 || (wanted === '' && unused.size > 0) ? 1 : 0);
