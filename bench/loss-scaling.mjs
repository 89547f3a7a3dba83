// fp16 with and without a loss scale, on a task whose gradients are too small for it: a loss of weight 2⁻²⁰, as of one
// term beside others, and a rate that makes up for it. In fp32 that is plain training.
import { writeFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allFinite, lossScaler, policy, staticLossScaler } from '@bag/mixed-precision';
import { crossEntropy, PendingStatistics, valueAndGradients } from '@bag/ops';
import { sgd } from '@bag/optim';
import { createRandom } from '@bag/random';
import { cifarResnet } from '@bag/resnet-variants';
import { warmupCosine } from '@bag/schedules';
import * as tf from '@tensorflow/tfjs';
import * as vega from 'vega';
import { compile } from 'vega-lite';

const [classes, batch, size, steps, seeds] = [4, 64, 16, 120, [0, 1, 2]];
const weight = 2 ** -20;
const sides = [
  { name: 'fp32', dtype: 'fp32', scaler: staticLossScaler(1) },
  { name: 'fp16, loss scale off', dtype: 'fp16', scaler: staticLossScaler(1) },
  { name: 'fp16, dynamic loss scale', dtype: 'fp16', scaler: lossScaler() },
];
const picture = fileURLToPath(new URL('../docs/images/loss-scaling.svg', import.meta.url));

/** Stripes of any phase in noise; their direction is the class. */
function nextBatch(seed, step) {
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
  return { images: tf.tensor4d(images, [batch, size, size, 3]), labels: tf.tensor1d(labels, 'int32') };
}

/** The loss, not weighted, of each step, and whether the step was skipped. */
async function train({ dtype, scaler }, seed) {
  const precision = policy({ dtype });
  const network = cifarResnet({ depth: 8, classes }, { random: createRandom({ seed, purpose: 'weights' }) });
  const parameters = network.parameters.filter(({ role }) => !role.startsWith('running'));
  const rate = warmupCosine({ peak: 0.1 / weight, warmupSteps: 10, totalSteps: steps });
  const optimizer = sgd({ parameters, rate, momentum: 0.9, nesterov: true });
  let [state, scaling] = [optimizer.init(), scaler.init()];
  const records = [];
  for (let step = 0; step < steps; step++) {
    const { images, labels } = nextBatch(seed, step);
    const statistics = new PendingStatistics();
    const factor = weight * scaling.scale;
    const loss = () =>
      tf.tidy(() => {
        const logits = precision.autocast(() => network.apply(images, { training: true, statistics }));
        return tf.mul(tf.mean(crossEntropy({ logits, labels })), factor);
      });
    const { value, gradients } = precision.step(() => valueAndGradients(loss, parameters));
    const finite = await allFinite(Object.values(gradients));
    if (finite) {
      state = optimizer.update(gradients, state, { gradientScale: 1 / scaling.scale });
      statistics.commit();
    } else {
      state = optimizer.skip(state);
      statistics.discard();
    }
    scaling = scaler.update(scaling, finite);
    records.push({ step, loss: (await value.data())[0] / factor, skipped: !finite });
    tf.dispose([images, labels, value, gradients]);
  }
  tf.dispose(Object.values(state).filter((one) => typeof one === 'object'));
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
      runs.push(await train(side, seed));
    }
    for (const [seed, run] of runs.entries()) {
      for (const { step, loss } of run) points.push({ step, loss, seed, side: side.name });
    }
    const ends = runs.map((run) => mean(run.slice(-20).map(({ loss }) => loss)).toFixed(3));
    const skipped = runs.map((run) => run.filter((record) => record.skipped).length);
    console.log(`| ${side.name} | ${ends.join(' | ')} | ${skipped.join(', ')} |`);
  }
  await writeFile(picture, await draw(points));
  console.log(`\nThe curves: ${relative(process.cwd(), picture)}`);
}
