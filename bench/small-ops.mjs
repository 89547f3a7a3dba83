// What one operation on four numbers costs, from JavaScript and back, beside tfjs-backend-cpu.
import * as tf from '@tensorflow/tfjs';
import '@bag/tfjs-backend-onednn';
import { median } from './contender.mjs';

export async function smallOps({ rounds = 15, calls = 5000 } = {}) {
  tf.enableProdMode();
  const works = {
    'a + b': (a, b) => tf.add(a, b),
    'a · 2': (a) => tf.mul(a, 2),
    'relu(a)': (a) => tf.relu(a),
    'exp(a)': (a) => tf.exp(a),
    'sum(a)': (a) => tf.sum(a),
    matMul: (a, b) => tf.matMul(a, b),
    'reshape(a)': (a) => tf.reshape(a, [4]),
    'transpose(a)': (a) => tf.transpose(a),
    'slice(a)': (a) => tf.slice(a, [0, 1], [2, 1]),
    'softmax(a)': (a) => tf.softmax(a),
  };
  console.log('\n## One operation on 4 numbers, end to end\n');
  console.log('| operation | onednn, µs | tfjs-backend-cpu, µs | ratio (median of rounds) |');
  console.log('|---|---|---|---|');
  for (const [name, work] of Object.entries(works)) {
    const times = { onednn: [], cpu: [] };
    for (let round = -3; round < rounds; round++) {
      for (const backend of ['onednn', 'cpu']) {
        await tf.setBackend(backend);
        const [a, b] = [tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2])];
        const start = performance.now();
        for (let i = 0; i < calls; i++) work(a, b).dispose();
        if (round >= 0) times[backend].push(((performance.now() - start) / calls) * 1e3);
        tf.dispose([a, b]);
      }
    }
    const ratio = median(times.onednn.map((us, i) => us / times.cpu[i]));
    console.log(
      `| ${name} | ${median(times.onednn).toFixed(2)} | ${median(times.cpu).toFixed(2)} | ${ratio.toFixed(2)} |`,
    );
  }
  console.log(`\nn = ${rounds} rounds of ${calls} calls. To reach: 2.`);
}
