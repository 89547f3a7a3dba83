import { toOnnx } from '@bag/network/onnx';
import { expectNoLeak, noise, relativeError } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { convertible } from './fixtures/convertible.js';
import { filledNetwork } from './fixtures/networks.js';

/** What is used of onnxruntime-node, which is no dependency: it is large, and only these tests want it. */
interface Runtime {
  InferenceSession: { create(file: Uint8Array, options: { logSeverityLevel: number }): Promise<Session> };
  Tensor: new (type: 'float32', values: Float32Array, dims: readonly number[]) => OnnxTensor;
}
interface OnnxTensor {
  data: Float32Array;
  dims: readonly number[];
}
interface Session {
  inputNames: string[];
  run(inputs: Record<string, OnnxTensor>): Promise<Record<string, OnnxTensor>>;
  release(): Promise<void>;
}

const path = fileURLToPath(
  new URL('../../../.cache/onnxruntime/node_modules/onnxruntime-node/package.json', import.meta.url),
);
const load = createRequire(import.meta.url);
const absent = existsSync(path) ? undefined : 'skipped: onnxruntime-node is not installed in .cache/onnxruntime';

beforeAll(() => tf.setBackend('cpu'));

/** The logits of a file in ONNX Runtime. */
async function logitsOf(file: Uint8Array, images: tf.Tensor4D): Promise<OnnxTensor> {
  const { InferenceSession, Tensor } = load(path.replace('/package.json', '')) as Runtime;
  const session = await InferenceSession.create(file, { logSeverityLevel: 3 });
  expect(session.inputNames).toEqual(['images']);
  const [batch, height, width] = images.shape;
  const planes = tf.tidy(() => tf.transpose(images, [0, 3, 1, 2]));
  const input = new Tensor('float32', new Float32Array(await planes.data()), [batch, 3, height, width]);
  const { logits } = await session.run({ images: input });
  await session.release();
  planes.dispose();
  return logits as OnnxTensor;
}

describe.skipIf(absent !== undefined)(`ONNX Runtime gives the same logits ${absent ?? ''}`, () => {
  test.each(
    convertible.flatMap((one) => [
      { ...one, foldBatchNorm: false, fixed: false },
      { ...one, foldBatchNorm: true, fixed: true },
    ]),
  )('$title at $size; BatchNorm folded: $foldBatchNorm, size fixed: $fixed', async (one) => {
    const { architecture, size, foldBatchNorm, fixed } = one;
    const network = filledNetwork(architecture);
    const file = await expectNoLeak(() => toOnnx(network, { foldBatchNorm, ...(fixed && { inputSize: size }) }));
    const images = tf.tensor4d(noise('images', 2 * size * size * 3), [2, size, size, 3]);
    const { data, dims } = await logitsOf(file, images);
    expect(dims).toEqual([2, 5]);
    expect(relativeError(data, await network.apply(images).data())).toBeLessThan(1e-4);
    tf.disposeVariables();
  });

  test('a file of any size takes images that are not square, one of a fixed size only those', async () => {
    const [{ architecture }] = convertible as [(typeof convertible)[number]];
    const network = filledNetwork(architecture);
    const images = tf.tensor4d(noise('images', 1 * 49 * 70 * 3), [1, 49, 70, 3]);
    const { data } = await logitsOf(await toOnnx(network), images);
    expect(relativeError(data, await network.apply(images).data())).toBeLessThan(1e-4);
    await expect(logitsOf(await toOnnx(network, { inputSize: 64 }), images)).rejects.toThrow('invalid dimensions');
  });
});
