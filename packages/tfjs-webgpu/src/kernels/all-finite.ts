import { AddN, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { call, release, runElements, type WebGpuKernel } from './kernel.js';
import { sumMiddle } from './sum.js';

/** Numbers that one thread looks at. */
const AT_ONCE = 256;

/** `BagAllFinite` of `@bag/mixed-precision`: 1 if no number has all exponent bits set, else 0; a float32 scalar. */
export const allFinite: WebGpuKernel = (inputs, _, backend) => {
  const counts = Object.values(inputs)
    .filter(({ shape }) => util.sizeFromShape(shape) > 0)
    .map((x) => {
      const size = util.sizeFromShape(x.shape);
      const parts = Math.ceil(size / AT_ONCE);
      const code = `
        fn element(index : i32) -> i32 {
          var count = 0;
          for (var k = index; k < uniforms.n; k += uniforms.parts) {
            count += select(0, 1, (bitcast<u32>(x[k]) & 0x7f800000u) == 0x7f800000u);
          }
          return count;
        }`;
      const uniforms = { n: size, parts };
      const found = runElements(backend, {
        ...{ name: 'notFinite', shape: [parts], dtype: 'int32', inputs: { x }, uniforms, code },
      });
      const count = sumMiddle(backend, found, 1, parts, 1, 'int32');
      release(backend, found);
      return { ...count, shape: [1] };
    });
  if (counts.length === 0) return backend.makeTensorInfo([], 'float32', Float32Array.of(1));
  const count: TensorInfo = call(AddN, counts, {}, backend);
  const code = 'fn element(index : i32) -> f32 { return select(0.0, 1.0, count[index] == 0); }';
  const result = runElements(backend, { name: 'allFinite', shape: [], dtype: 'float32', inputs: { count }, code });
  release(backend, count, ...counts);
  return result;
};
