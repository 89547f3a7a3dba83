// npm run bench [-- NAME…]: benchmarks beside their peers. Prints Markdown; progress goes to standard error.
import { setUp } from '../scripts/setup.mjs';

setUp();
const { machine } = await import('./machine.mjs');
const { resnet } = await import('./resnet.mjs');

const benchmarks = {
  'resnet50-train': () =>
    resnet({
      model: 'resnet50',
      batch: 16,
      size: 224,
      work: 'train',
      rounds: 7,
      goal: '1.15 × of Debian’s PyTorch, 0.85 × of the convolutions alone, 0.9 × of its memory',
    }),
  'resnet20-train': () =>
    resnet({
      model: 'resnet20',
      batch: 128,
      size: 32,
      work: 'train',
      rounds: 15,
      warmup: 10,
      goal: '1.4 × of PyTorch',
    }),
  'resnet50-train-bf16': () =>
    resnet({
      model: 'resnet50',
      batch: 16,
      size: 224,
      work: 'train',
      precision: 'bf16',
      rounds: 7,
      goal: '1.1 × of PyTorch, 0.85 × of the convolutions alone, 0.7 × of the memory of fp32',
    }),
  'resnet20-train-bf16': () =>
    resnet({
      model: 'resnet20',
      batch: 128,
      size: 32,
      work: 'train',
      precision: 'bf16',
      rounds: 15,
      warmup: 10,
      goal: '1.5 × of PyTorch',
    }),
  'resnet50-infer': () =>
    resnet({ model: 'resnet50', batch: 16, size: 224, work: 'infer', rounds: 9, goal: '1.15 × of PyTorch' }),
  depthwise: async () => (await import('./depthwise.mjs')).depthwise(),
  bandwidth: async () => (await import('./bandwidth.mjs')).bandwidth(),
  'small-ops': async () => (await import('./small-ops.mjs')).smallOps(),
};

/** What takes long, needs a folder of images, or is told apart by its result and not by its speed: on request. */
const others = {
  backends: async () => (await import('./backends.mjs')).backends(),
  input: async () => (await import('./input.mjs')).input(),
  'loss-scaling': async () => (await import('./loss-scaling.mjs')).lossScaling(),
};

const all = { ...benchmarks, ...others };
const names = process.argv.slice(2);
const unknown = names.find((name) => !(name in all));
if (unknown !== undefined) {
  console.error(`no benchmark ${unknown}; there are ${Object.keys(all).join(', ')}`);
  process.exit(2);
}
console.log(machine());
for (const name of names.length > 0 ? names : Object.keys(benchmarks)) await all[name]();
