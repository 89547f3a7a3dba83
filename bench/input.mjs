// What comes before the network, beside torchvision: read, decode, random resized crop, flip, colour jitter, normalise.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Contender, interleave, median, speedup } from './contender.mjs';
import { here, pythonsWithTorch, threadEnvironment } from './machine.mjs';

/** @param folder Images somewhere below it. */
export async function input({ folder = process.env.IMAGES, rounds = 5 } = {}) {
  if (!folder) throw new Error('set IMAGES to a folder of images');
  const start = (name, command, file) => new Contender(name, command, [join(here, file), folder], threadEnvironment);
  const ours = start('@bag/data', process.execPath, 'ours-input.mjs');
  const peers = pythonsWithTorch().map(({ version, python }) =>
    start(`torchvision beside PyTorch ${version}`, python, 'peers/torch_input.py'),
  );
  const { images } = await ours.ask('count');
  const results = await interleave([ours, ...peers], 'pass', { rounds, warmup: 1 });
  console.log(`\n## Input pipeline, ${images} images to 224², one decoding thread, ${availableParallelism()} cores\n`);
  console.log('| side | images/s, median (least–most) | ours against it |\n|---|---|---|');
  for (const [name, { ms }] of results) {
    const rates = ms.map((one) => (images / one) * 1000);
    const [least, most] = [Math.min(...rates), Math.max(...rates)];
    const against = name === ours.name ? '' : `${speedup(results, ours.name, name).toFixed(2)} ×`;
    console.log(`| ${name} | ${median(rates).toFixed(1)} (${least.toFixed(1)}–${most.toFixed(1)}) | ${against} |`);
  }
  console.log(`\nn = ${rounds} passes each, interleaved, after one to warm up.`);
  await Promise.all([ours, ...peers].map((contender) => contender.end()));
}
