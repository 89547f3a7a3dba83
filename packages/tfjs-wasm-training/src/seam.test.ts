import { describeOnBackends, expectAllClose, expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { registerTrainingKernels } from './index.js';

// The seam's definitions, written out by hand in double precision: one example after the other, no tricks.
const N = 6;
const C = 3;
const x = Array.from({ length: N * C }, (_, i) => Math.sin(i * 1.7) * 2 + (i % C) * 100);
const residual = x.map((_, i) => Math.cos(i));
const gamma = [0.5, -1, 2];
const beta = [0.1, 0.2, -3];
const dy = x.map((_, i) => Math.sin(i * i));
const column = (values: number[], c: number) => values.filter((_, i) => i % C === c);
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const epsilon = 1e-5;

function forward(relu: boolean, withResidual: boolean): number[] {
  return x.map((value, i) => {
    const c = i % C;
    const m = mean(column(x, c));
    const v = mean(column(x, c).map((u) => (u - m) ** 2));
    const z =
      ((gamma[c] as number) * (value - m)) / Math.sqrt(v + epsilon) +
      (beta[c] as number) +
      (withResidual ? (residual[i] as number) : 0);
    return relu ? Math.max(z, 0) : z;
  });
}

const run = (name: string, inputs: tf.NamedTensorMap, attributes: object) =>
  tf.engine().runKernel(name, inputs, attributes as never) as unknown as tf.Tensor[];
const images = (values: number[]) => tf.tensor4d(values, [1, 2, N / 2, C]);

describeOnBackends(
  'kernels of the seam',
  () => {
    test.each([
      [false, false],
      [true, false],
      [true, true],
      [false, true],
    ])('BagBatchNormTraining and its gradient, relu %s, residual %s', async (relu, withResidual) => {
      const results = await expectNoLeak(
        () =>
          tf.tidy(() => {
            const inputs = { x: images(x), gamma: tf.tensor1d(gamma), beta: tf.tensor1d(beta) };
            const attributes = { epsilon, relu, residual: withResidual };
            const more = withResidual ? { residual: images(residual) } : {};
            const [y, m, v] = run('BagBatchNormTraining', { ...inputs, ...more }, attributes) as [
              tf.Tensor,
              tf.Tensor,
              tf.Tensor,
            ];
            const back = { dy: images(dy), x: inputs.x, mean: m, variance: v, gamma: inputs.gamma };
            return [y, m, v, ...run('BagBatchNormTrainingGrad', relu ? { ...back, y } : back, attributes)];
          }),
        withResidual ? 7 : 6,
      );
      const [y, m, v, dx, dGamma, dBeta, dResidual] = await Promise.all(results.map((t) => t.data()));
      tf.dispose(results);
      const expected = forward(relu, withResidual);
      expectAllClose(y as Float32Array, expected, { absolute: 2e-4 });
      const g = dy.map((d, i) => (!relu || (expected[i] as number) > 0 ? d : 0));
      for (let c = 0; c < C; c++) {
        const mu = mean(column(x, c));
        const variance = mean(column(x, c).map((u) => (u - mu) ** 2));
        const s = 1 / Math.sqrt(variance + epsilon);
        expectAllClose([m?.[c] as number, v?.[c] as number], [mu, variance], { relative: 1e-5 });
        const normalised = column(x, c).map((u) => (u - mu) * s);
        const gs = column(g, c);
        const sumGX = gs.reduce((a, b, i) => a + b * (normalised[i] as number), 0);
        const sumG = gs.reduce((a, b) => a + b, 0);
        expectAllClose([dGamma?.[c] as number, dBeta?.[c] as number], [sumGX, sumG], { absolute: 2e-4 });
        const expectedDx = gs.map(
          (d, i) => (gamma[c] as number) * s * (d - sumG / N - ((normalised[i] as number) * sumGX) / N),
        );
        expectAllClose(column([...(dx as Float32Array)], c), expectedDx, { absolute: 2e-4 });
      }
      if (withResidual) expectAllClose(dResidual as Float32Array, g, { absolute: 1e-6 });
    });

    test('BagBatchNormTraining lets a NaN through its ReLU', async () => {
      const y = tf.tidy(
        () =>
          run(
            'BagBatchNormTraining',
            { x: images(x.map((v, i) => (i === 0 ? NaN : v))), gamma: tf.tensor1d(gamma), beta: tf.tensor1d(beta) },
            { epsilon, relu: true, residual: false },
          )[0] as tf.Tensor,
      );
      expect((await y.data())[0]).toBeNaN();
      y.dispose();
    });

    test('BagSgdUpdate, by hand', async () => {
      // p = 1, g = 0.5·2 + 0.1·1 = 1.1, v = 0.9·0.3 + 1.1 = 1.37, p' = 1 − 0.1·(1.1 + 0.9·1.37) = 0.7667
      const [p, v] = tf.tidy(() =>
        run(
          'BagSgdUpdate',
          { parameter: tf.tensor1d([1]), gradient: tf.tensor1d([0.5]), velocity: tf.tensor1d([0.3]) },
          { rate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.1, gradientScale: 2 },
        ),
      ) as [tf.Tensor, tf.Tensor];
      expectAllClose(await v.data(), [1.37], { relative: 1e-6 });
      expectAllClose(await p.data(), [0.7667], { relative: 1e-6 });
      tf.dispose([p, v]);
    });

    test.each(['all', 'others'])('BagCrossEntropy and its gradient, ε spread on %s', async (spread) => {
      const z = [1, -2, 0.5, 1e4, -1e4, 0];
      const classes = 3;
      const labels = [2, 0];
      const smoothing = 0.1;
      const attributes = { smoothing, spread };
      const results = tf.tidy(() => {
        const inputs = { logits: tf.tensor2d(z, [2, classes]), labels: tf.tensor1d(labels, 'int32') };
        const [loss, logSumExp] = run('BagCrossEntropy', inputs, attributes) as [tf.Tensor, tf.Tensor];
        const grad = run('BagCrossEntropyGrad', { ...inputs, logSumExp, dy: tf.tensor1d([1, 2]) }, attributes);
        return [loss, grad as unknown as tf.Tensor];
      });
      const [loss, grad] = await Promise.all(results.map((t) => t.data()));
      tf.dispose(results);
      for (let b = 0; b < 2; b++) {
        const row = z.slice(b * classes, (b + 1) * classes);
        const top = Math.max(...row);
        const lse = top + Math.log(row.reduce((a, v) => a + Math.exp(v - top), 0));
        const q = row.map((_, k) => {
          const hit = k === labels[b];
          if (spread === 'all') return (hit ? 1 - smoothing : 0) + smoothing / classes;
          return hit ? 1 - smoothing : smoothing / (classes - 1);
        });
        const expected = q.reduce((a, w, k) => a - w * ((row[k] as number) - lse), 0);
        expectAllClose([loss?.[b] as number], [expected], { relative: 1e-6 });
        const expectedGradient = row.map((v, k) => (b + 1) * (Math.exp(v - lse) - (q[k] as number)));
        expectAllClose([...(grad as Float32Array)].slice(b * classes, (b + 1) * classes), expectedGradient, {
          absolute: 1e-6,
        });
      }
    });

    test('registering again changes nothing', () => {
      const before = tf.getKernel('BatchMatMul', 'wasm').kernelFunc;
      registerTrainingKernels();
      expect(tf.getKernel('BatchMatMul', 'wasm').kernelFunc).toBe(before);
    });
  },
  ['wasm'],
);
