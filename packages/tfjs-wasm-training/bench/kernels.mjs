// Convolution gradients on the wasm backend against its own forward convolution, interleaved in one run.
// Usage: node bench/kernels.mjs [rounds]    (after npm run build)
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths, version_wasm } from '@tensorflow/tfjs-backend-wasm';

const rounds = Number(process.argv[2] ?? 15);
const require = createRequire(import.meta.url);
setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')), '/'));
tf.enableProdMode();
const naive = tf.getKernel('Conv2DBackpropInput', 'wasm').kernelFunc;
await import('../dist/index.js');
await tf.setBackend('wasm');
await tf.ready();

const layers = [
  { name: '3×3, 64→64, 56², batch 16', batch: 16, size: 56, from: 64, to: 64, filter: 3, stride: 1 },
  { name: '3×3/2, 64→128, 56², batch 16', batch: 16, size: 56, from: 64, to: 128, filter: 3, stride: 2 },
  { name: '1×1, 64→256, 56², batch 16', batch: 16, size: 56, from: 64, to: 256, filter: 1, stride: 1 },
  { name: '1×1/2, 256→512, 56², batch 8', batch: 8, size: 56, from: 256, to: 512, filter: 1, stride: 2 },
  { name: '3×3, 16→16, 32², batch 64', batch: 64, size: 32, from: 16, to: 16, filter: 3, stride: 1 },
  { name: '3×3/2, 16→32, 32², batch 64', batch: 64, size: 32, from: 16, to: 32, filter: 3, stride: 2 },
  { name: '3×3, 32→32, 16², batch 64', batch: 64, size: 16, from: 32, to: 32, filter: 3, stride: 1 },
  { name: '3×3, 64→64, 8², batch 64', batch: 64, size: 8, from: 64, to: 64, filter: 3, stride: 1 },
];

console.log(`${cpus()[0].model}, one thread; Node ${process.version}, tfjs-backend-wasm ${version_wasm}`);
console.log(
  `median of ${rounds} interleaved rounds after 2 of warm-up, GFLOP/s (interquartile range); × = of forward\n`,
);
console.log('| layer | forward | input gradient | × | filter gradient | × | backend’s own input gradient |');
console.log('|---|---|---|---|---|---|---|');

for (const { name, batch, size, from, to, filter, stride } of layers) {
  const p = filter >> 1;
  const pad = [
    [0, 0],
    [p, p],
    [p, p],
    [0, 0],
  ];
  const x = tf.randomNormal([batch, size, size, from]);
  const w = tf.randomNormal([filter, filter, from, to]);
  const attrs = { strides: [stride, stride], pad, dilations: [1, 1], dataFormat: 'NHWC' };
  const run = (kernel, inputs, more) => tf.engine().runKernel(kernel, inputs, { ...attrs, ...more });
  const y = run('Conv2D', { x, filter: w });
  const dy = tf.randomNormal(y.shape);
  const gflop = (2 * y.size * filter * filter * from) / 1e9;
  const works = {
    forward: () => run('Conv2D', { x, filter: w }).dispose(),
    input: () => run('Conv2DBackpropInput', { dy, filter: w }, { inputShape: x.shape }).dispose(),
    filter: () => run('Conv2DBackpropFilter', { x, dy }, { filterShape: w.shape }).dispose(),
    naive: () => {
      const backend = tf.backend();
      const out = naive({ inputs: { dy, filter: w }, attrs: { ...attrs, inputShape: x.shape }, backend });
      backend.disposeData(out.dataId);
    },
  };
  const times = Object.fromEntries(Object.keys(works).map((key) => [key, []]));
  for (let round = -2; round < rounds; round++) {
    for (const [key, work] of Object.entries(works)) {
      if (key === 'naive' && round > 0) continue; // slow, and not what is measured
      const start = performance.now();
      work();
      if (round >= 0) times[key].push(performance.now() - start);
    }
  }
  const at = (values, share) => values.toSorted((a, b) => a - b)[Math.floor(share * (values.length - 1))];
  const speed = (key) => gflop / (at(times[key], 0.5) / 1e3);
  const cell = (key) =>
    `${speed(key).toFixed(1)} (${(gflop / (at(times[key], 0.75) / 1e3)).toFixed(1)}–${(gflop / (at(times[key], 0.25) / 1e3)).toFixed(1)})`;
  const ratio = (key) => (speed(key) / speed('forward')).toFixed(2);
  console.log(
    `| ${name} | ${cell('forward')} | ${cell('input')} | ${ratio('input')} | ${cell('filter')} | ${ratio('filter')} | ${speed('naive').toFixed(1)} |`,
  );
  tf.dispose([x, w, y, dy]);
}
