// Element-wise operations and reductions on large tensors, beside a copy of the same size in C. Bytes count once for each
// read and each write.
import * as tf from '@tensorflow/tfjs';
import '@bag/tfjs-backend-onednn';
import { Contender, median } from './contender.mjs';
import { compiled, threadEnvironment, threads } from './machine.mjs';

export async function bandwidth({ mebibytes = 64, rounds = 15 } = {}) {
  const stream = compiled('stream.c', []);
  if (stream === undefined) return;
  tf.enableProdMode();
  await tf.setBackend('onednn');
  // Waiting threads spin, at first: the peer's would take a processor from the operation that comes next.
  const peer = new Contender('C memcpy', stream, [`${mebibytes}`], { ...threadEnvironment, GOMP_SPINCOUNT: '0' });
  const rows = (mebibytes * 2 ** 20) / 4 / 1024;
  const [a, b] = [0, 1].map((seed) => tf.randomUniform([rows, 1024], 0.5, 1.5, 'float32', seed));
  const bias = tf.ones([1024]);
  const condition = tf.greater(a, b);
  // [what, tensors of the full size that it reads and writes]
  const works = {
    'a + b': [() => tf.add(a, b), 3],
    'a · b': [() => tf.mul(a, b), 3],
    'a / b': [() => tf.div(a, b), 3],
    'max(a, b)': [() => tf.maximum(a, b), 3],
    'a + bias': [() => tf.add(a, bias), 2],
    'a · 2': [() => tf.mul(a, 2), 2],
    'relu(a)': [() => tf.relu(a), 2],
    'square(a)': [() => tf.square(a), 2],
    'sqrt(a)': [() => tf.sqrt(a), 2],
    'exp(a)': [() => tf.exp(a), 2],
    'sigmoid(a)': [() => tf.sigmoid(a), 2],
    'a > b': [() => tf.greater(a, b), 2.25],
    'where(a > b, a, b)': [() => tf.where(condition, a, b), 3.25],
    'clip(a)': [() => tf.clipByValue(a, 0.7, 1.2), 2],
    'sum(a)': [() => tf.sum(a), 1],
    'max(a) of all': [() => tf.max(a), 1],
    'mean over the first axis': [() => tf.mean(a, 0), 1],
    'sum over the last axis': [() => tf.sum(a, 1), 1],
    'softmax(a)': [() => tf.softmax(a), 2],
  };
  console.log(`\n## Element-wise operations and reductions, tensors of ${mebibytes} MiB, ${threads} threads\n`);
  console.log('| operation | GB/s | C memcpy, GB/s | ratio (median of rounds) |');
  console.log('|---|---|---|---|');
  const bytes = mebibytes * 2 ** 20;
  for (const [name, [work, tensors]] of Object.entries(works)) {
    const [own, other] = [[], []];
    for (let round = -2; round < rounds; round++) {
      const { ms } = await peer.ask('copy');
      const start = performance.now();
      const result = work();
      const elapsed = performance.now() - start;
      result.dispose();
      if (round < 0) continue;
      own.push((tensors * bytes) / elapsed / 1e6);
      other.push((2 * bytes) / ms / 1e6);
    }
    const ratio = median(own.map((speed, i) => speed / other[i]));
    console.log(`| ${name} | ${median(own).toFixed(1)} | ${median(other).toFixed(1)} | ${ratio.toFixed(2)} |`);
  }
  await peer.end();
  tf.dispose([a, b, bias, condition]);
  console.log(`\nn = ${rounds}. To reach: 0.8.`);
}
