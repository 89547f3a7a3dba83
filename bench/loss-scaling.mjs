// fp16 with and without a loss scale, on a task whose gradients are too small for it: a loss of weight 2⁻²⁰, as of one
// term beside others may be, and a rate that makes up for it. That is a loss whose scale is 2⁻²⁰ from the start.
import { writeFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lossScaler, policy, staticLossScaler } from '@bag/mixed-precision';
import { sgd } from '@bag/optim';
import { createRandom } from '@bag/random';
import { cifarResnet } from '@bag/resnet-variants';
import { warmupCosine } from '@bag/schedules';
import { train, trainable } from '@bag/trainer';
import * as tf from '@tensorflow/tfjs';
import * as vega from 'vega';
import { compile } from 'vega-lite';

const [classes, batch, size, steps, seeds] = [4, 64, 16, 120, [0, 1, 2]];
const weight = 2 ** -20;
const sides = [
  { name: 'fp32', dtype: 'fp32', scaler: staticLossScaler(weight) },
  { name: 'fp16, loss scale off', dtype: 'fp16', scaler: staticLossScaler(weight) },
  { name: 'fp16, dynamic loss scale', dtype: 'fp16', scaler: lossScaler({ init: 65536 * weight }) },
];
const picture = fileURLToPath(new URL('../docs/images/loss-scaling.svg', import.meta.url));

/** Stripes of any phase in noise; their direction is the class. */
function stripes(seed, step) {
  const random = createRandom({ seed, purpose: 'stripes', index: step });
  const labels = Int32Array.from({ length: batch }, () => Math.floor(random() * classes));
  const images = new Float32Array(batch * size * size * 3);
  let i = 0;
  for (const label of labels) {
    const [angle, phase] = [(Math.PI * label) / classes, 2 * Math.PI * random()];
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const stripe = Math.sin(phase + 1.5 * (column * Math.cos(angle) + row * Math.sin(angle)));
        for (let channel = 0; channel < 3; channel++) images[i++] = 0.5 * stripe + 4 * (random() - 0.5);
      }
    }
  }
  return { images, labels, shape: [batch, size, size, 3] };
}

async function* batches(seed) {
  for (let step = 0; step < steps; step++) yield stripes(seed, step);
}

/** What the trainer tells of each step. */
async function run({ dtype, scaler }, seed) {
  const network = cifarResnet({ depth: 8, classes }, { random: createRandom({ seed, purpose: 'weights' }) });
  const rate = warmupCosine({ peak: 0.1, warmupSteps: 10, totalSteps: steps });
  const optimizer = sgd({ parameters: trainable(network), rate, momentum: 0.9, nesterov: true });
  const records = [];
  const { state } = await train({
    network,
    batches: () => batches(seed),
    stepsPerEpoch: steps,
    epochs: 1,
    optimizer,
    scaler,
    state: { epoch: 0, optimizer: optimizer.init(), scaler: scaler.init() },
    tricks: { precision: policy({ dtype }) },
    seed,
    onEvent: (event) => {
      if (event.kind === 'step') records.push(event);
    },
  });
  tf.dispose(state.optimizer);
  network.dispose();
  return records;
}

async function draw(points) {
  const names = sides.map(({ name }) => name);
  const { spec } = compile({
    data: { values: points },
    width: 640,
    height: 280,
    background: 'white',
    mark: { type: 'line', strokeWidth: 1.4 },
    encoding: {
      x: { field: 'step', type: 'quantitative', scale: { nice: false } },
      y: { field: 'loss', type: 'quantitative', title: 'loss', scale: { zero: true } },
      color: {
        field: 'side',
        type: 'nominal',
        title: null,
        legend: { orient: 'bottom', labelLimit: 0, symbolStrokeWidth: 3 },
        scale: { domain: names, range: ['#0072b2', '#d55e00', '#008060'] },
      },
      // The last lies upon the first.
      strokeDash: {
        field: 'side',
        type: 'nominal',
        title: null,
        scale: {
          domain: names,
          range: [
            [1, 0],
            [1, 0],
            [5, 5],
          ],
        },
      },
      detail: { field: 'seed' },
    },
  });
  return new vega.View(vega.parse(spec), { renderer: 'none' }).toSVG();
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

export async function lossScaling() {
  await import('@bag/tfjs-backend-onednn');
  tf.enableProdMode();
  await tf.setBackend('onednn');
  await tf.ready();
  console.log(`\n## A loss of weight 2⁻²⁰\n\nThe loss as mean of the last 20 of ${steps} steps; ln ${classes} = ${Math.log(classes).toFixed(3)} is what guessing costs.\n`); // prettier-ignore
  console.log(`| side | ${seeds.map((seed) => `seed ${seed}`).join(' | ')} | skipped steps |`);
  console.log(`| --- | ${seeds.map(() => '---').join(' | ')} | --- |`);
  const points = [];
  for (const side of sides) {
    const runs = [];
    for (const seed of seeds) {
      console.error(`${side.name}, seed ${seed} …`);
      runs.push(await run(side, seed));
    }
    for (const [seed, records] of runs.entries()) {
      for (const { step, loss } of records) points.push({ step, loss, seed, side: side.name });
    }
    const ends = runs.map((records) => mean(records.slice(-20).map(({ loss }) => loss)).toFixed(3));
    const skipped = runs.map((records) => records.filter(({ skipped }) => skipped).length);
    console.log(`| ${side.name} | ${ends.join(' | ')} | ${skipped.join(', ')} |`);
  }
  await writeFile(picture, await draw(points));
  console.log(`\nThe curves: ${relative(process.cwd(), picture)}`);
}
