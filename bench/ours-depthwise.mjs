// Our side of depthwise.mjs: for each line of JSON one kernel, several times if it is short. BACKEND=wasm measures that one.
import { createInterface } from 'node:readline';
import * as tf from '@tensorflow/tfjs';
import { depthwiseConv2d } from '@bag/ops';

const backend = process.env.BACKEND ?? 'onednn';
await (backend === 'onednn' ? import('@bag/tfjs-backend-onednn') : import('@bag/tfjs-wasm-training'));
tf.enableProdMode();
await tf.setBackend(backend);
// An engine without these kernels gets its compositions at the first call.
tf.tidy(() => tf.grads((x, f) => depthwiseConv2d(x, f))([tf.ones([1, 3, 3, 1]), tf.ones([3, 3, 1, 1])]));

const pad = [
  [1, 1],
  [1, 1],
];
const kernels = {
  forward: ['BagDepthwiseConv2D', ['x', 'filter']],
  input: ['BagDepthwiseConv2DBackpropInput', ['dy', 'filter']],
  filter: ['BagDepthwiseConv2DBackpropFilter', ['x', 'dy']],
};
let made;

function inputs(key, { batch, size, channels, stride, precision }) {
  if (made?.key === key) return made;
  if (made) tf.dispose([made.x, made.dy, made.filter]);
  const outSize = Math.floor((size - 1) / stride) + 1;
  const stored = (tensor) => {
    if (precision === 'fp32') return tensor;
    const half = tf.engine().makeTensorFromTensorInfo(tf.backend().asHalf(tensor, 'bfloat16'));
    tensor.dispose();
    return half;
  };
  const x = stored(tf.randomNormal([batch, size, size, channels]));
  const dy = stored(tf.randomNormal([batch, outSize, outSize, channels]));
  made = { key, x, dy, filter: stored(tf.randomNormal([3, 3, channels, 1])) };
  return made;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { work, ...layer } = JSON.parse(line);
  const tensors = inputs(JSON.stringify(layer), layer);
  const { stride } = layer;
  const attributes = {
    strides: [stride, stride],
    pad,
    inputShape: tensors.x.shape,
    filterShape: tensors.filter.shape,
  };
  const [name, operands] = kernels[work];
  const given = Object.fromEntries(operands.map((operand) => [operand, tensors[operand]]));
  const run = () => tf.engine().runKernel(name, given, attributes).dispose();
  let [count, ms] = [0, 0];
  const start = performance.now();
  do {
    run();
    count++;
    ms = performance.now() - start;
  } while (ms < 20);
  console.log(JSON.stringify({ ms: ms / count }));
}
