// Our side: `ours.mjs MODEL BATCH SIZE [PRECISION [BACKEND]]`, then for each line `train` or `infer` one step; `memory` for the peaks.
import { createInterface } from 'node:readline';
import * as tf from '@tensorflow/tfjs';
import { policy } from '@bag/mixed-precision';
import { createModel } from '@bag/models';
import { crossEntropy, PendingStatistics, valueAndGradients } from '@bag/ops';
import { sgd } from '@bag/optim';
import { start } from './engines.mjs';

const [name, batchText, sizeText, precisionName = 'fp32', backend = 'onednn'] = process.argv.slice(2);
const [batch, size] = [batchText, sizeText].map(Number);
tf.enableProdMode();
const engine = backend === 'onednn' ? await import('@bag/tfjs-backend-onednn') : undefined;
const { about, release } = await start(backend);

const precision = policy({ dtype: { fp32: 'float32', bf16: 'bfloat16', fp16: 'float16' }[precisionName] });
const network = createModel({ name }, { random: Math.random });
const { classes } = network.architecture;
const parameters = network.parameters.filter(({ variable }) => variable.trainable);
const optimizer = sgd({ parameters, rate: 0.01, momentum: 0.9, nesterov: true, weightDecay: 1e-4 });
let state = optimizer.init();
const images = tf.randomNormal([batch, size, size, 3]);
const labels = tf.tensor1d(
  Array.from({ length: batch }, (_, i) => (i * 37) % classes),
  'int32',
);

async function train() {
  const statistics = new PendingStatistics();
  const apply = () => network.apply(images, { training: true, statistics, random: Math.random });
  const loss = () => tf.mean(crossEntropy({ logits: precision.autocast(apply), labels }));
  const { value, gradients } = precision.step(() => valueAndGradients(() => tf.tidy(loss), parameters));
  statistics.commit();
  state = optimizer.update(gradients, state);
  tf.dispose(gradients);
  await value.data();
  value.dispose();
}

async function infer() {
  const logits = precision.autocast(() => network.apply(images));
  await logits.data();
  logits.dispose();
}

/** Time by kernel, where asked for. */
const spent = new Map();
if (process.env.PROFILE) {
  for (const config of tf.getKernelsForBackend(backend)) {
    const { kernelName, kernelFunc } = config;
    config.kernelFunc = (call) => {
      const start = performance.now();
      const result = kernelFunc(call);
      const entry = spent.get(kernelName) ?? { ms: 0, calls: 0 };
      spent.set(kernelName, { ms: entry.ms + performance.now() - start, calls: entry.calls + 1 });
      return result;
    };
  }
}

const works = { train, infer };
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'memory') {
    const { maxRSS } = process.resourceUsage();
    const native = engine && Object.fromEntries(Object.entries(engine.memory()).map(([k, v]) => [k, v / 2 ** 20]));
    console.log(JSON.stringify({ peakRssMiB: maxRSS / 1024, native, tensors: tf.memory().numTensors }));
  } else if (line === 'profile') {
    console.log(JSON.stringify(Object.fromEntries([...spent].sort((a, b) => b[1].ms - a[1].ms))));
    spent.clear();
  } else if (line === 'version') {
    const more = engine ? `oneDNN ${engine.info().oneDnnVersion}, ${engine.info().instructionSet}` : about;
    console.log(JSON.stringify({ version: [backend, more].filter((part) => part !== undefined).join(', ') }));
  } else {
    const start = performance.now();
    await works[line]();
    console.log(JSON.stringify({ ms: performance.now() - start }));
  }
}
await release?.();
