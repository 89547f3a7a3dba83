import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { createRequire } from 'node:module';
import { addonOf } from '../packages.js';
import { lastLines, run } from './run.js';

/** All ones: each value counts the cells of the 3 × 3 window that lie inside. */
const program = (entry: string) => `
import { ones, conv2d, setBackend } from '@tensorflow/tfjs-core';
const { loadTensorFlow } = await import(${JSON.stringify(entry)});
const { tensorflowVersion } = loadTensorFlow({ gpu: process.argv[1] === 'gpu' });
await setBackend('tensorflow');
const y = await conv2d(ones([1, 3, 3, 1]), ones([3, 3, 1, 1]), 1, 'same').data();
if (y.join() !== '4,6,4,6,9,6,4,6,4') throw new Error('it computes ' + y.join());
console.log(tensorflowVersion);`;

export type Check = { works: true; tensorflow: string } | { works: false; why: string };

/** Whether tfjs-node loads and computes, in a process of its own: a load that fails can end it. */
export async function check(project: string, gpu: boolean): Promise<Check> {
  const entry = pathToFileURL(createRequire(import.meta.url).resolve('@bag/tfjs-tensorflow')).href;
  const { ok, output } = await run(
    process.execPath,
    ['--input-type=module', '-e', program(entry), gpu ? 'gpu' : 'cpu'],
    { folder: project },
  );
  const lines = output.trim().split('\n');
  if (ok) return { works: true, tensorflow: lines.at(-1) ?? '' };
  const [, message] = /^EngineError: (.*)$/m.exec(output) ?? [];
  return { works: false, why: message ?? lastLines(output, 3) };
}

/** Whether the addon loads by itself, with all that it is linked with. */
export async function addonLoads(folder: string): Promise<boolean> {
  const { ok } = await run(process.execPath, ['-e', `require(${JSON.stringify(addonOf(folder))})`], { folder });
  return ok;
}
