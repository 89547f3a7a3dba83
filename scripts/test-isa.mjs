// npm run test:isa [-- ISA…]: the native engine held to each instruction set that this processor has.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { conclude, environment, packages, root, runTests, sum, testFiles } from './lib.mjs';
import { setUp } from './setup.mjs';

// What oneDNN 3 takes for ONEDNN_MAX_CPU_ISA, each wider than those before. It goes as far as the processor does.
const names = [
  ...['SSE41', 'AVX', 'AVX2', 'AVX2_VNNI', 'AVX2_VNNI_2', 'AVX512_CORE', 'AVX512_CORE_VNNI', 'AVX512_CORE_BF16'],
  ...['AVX512_CORE_FP16', 'AVX512_CORE_AMX', 'AVX512_CORE_AMX_FP16', 'DEFAULT'],
];

const engine = packages().find(({ name }) => name === '@bag/tfjs-backend-onednn');

/** What the engine says that it computes with when it is held to an instruction set. */
function heldTo(isa) {
  const program = `console.log(require(${JSON.stringify(engine.path)}).info().instructionSet)`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', program], {
    cwd: root,
    env: { ...environment, ONEDNN_MAX_CPU_ISA: isa },
    encoding: 'utf8',
  });
  if (status !== 0) {
    const reason = stderr.split('\n').find((line) => line.includes('Error: ')) ?? stderr;
    console.error(`onednn: lacking: ${reason.replace(/^.*Error: /, '').trim()}`);
    process.exit(1);
  }
  return stdout.trim().split('\n').at(-1);
}

/** The engine's own tests, the contract of every package on it, and what the command line says of it. */
function testOn(isa) {
  const env = { ONEDNN_MAX_CPU_ISA: isa };
  const contract = /(contract|agreement|engines)\.test\.ts$/;
  return sum(
    packages().map((one) => {
      // Its second project is held to AVX2 by itself.
      if (one === engine)
        return runTests('isa', one, testFiles(one.path, /(?<!\.long)\.test\.ts$/), env, ['--project=widest']);
      return runTests('isa', one, testFiles(one.path, contract), { ...env, BAG_TEST_BACKENDS: 'onednn' });
    }),
  );
}

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !names.includes(name));
if (unknown !== undefined) {
  console.error(`test:isa: no instruction set ${unknown}; there are ${names.join(', ')}`);
  process.exit(2);
}
setUp();
const results = [];
const widest = heldTo('DEFAULT');
const seen = new Set();
for (const isa of names) {
  const name = heldTo(isa);
  // Beyond what the processor has, it stays at its widest, on which `npm test` runs.
  if (wanted.length > 0 ? !wanted.includes(isa) : seen.has(name) || name === widest) continue;
  seen.add(name);
  const start = Date.now();
  const result = testOn(isa);
  const seconds = Math.round((Date.now() - start) / 1000);
  console.log(`${isa} (${name}): ${result.passed} passed, ${result.failed.length} failed in ${seconds} s`);
  for (const line of result.failed) console.log(`  FAIL ${line}`);
  results.push(result);
}
conclude(sum(results));
