import { Elu, Exp, Expm1, Log, Log1p, Relu6, Selu, Sigmoid, Softplus, Tanh } from '@tensorflow/tfjs-core';
import { input, runElements, type WebGpuKernel } from './kernel.js';

// What WGSL's functions make of NaN is left to the GPU, and some make numbers of it; then no check for finite gradients
// finds it. Near 0, log(1 + a) and exp(a) − 1 lose all their digits.

const helpers = `
  fn bagExpm1(a : f32) -> f32 {
    if (abs(a) >= 0.5) { return exp(a) - 1.0; }
    return a * (1.0 + a / 2.0 * (1.0 + a / 3.0 * (1.0 + a / 4.0 * (1.0 + a / 5.0 * (1.0 + a / 6.0 * (1.0 + a / 7.0))))));
  }
  // 2·atanh(s) with s = a / (2 + a), by its series
  fn bagLog1p(a : f32) -> f32 {
    if (abs(a) >= 0.5) { return bagLog(1.0 + a); }
    let s = a / (2.0 + a);
    let q = s * s;
    return 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0 + q * (1.0 / 11.0 + q / 13.0))))));
  }
  fn bagLog(a : f32) -> f32 {
    if (a < 0.0) { return uniforms.NAN; }
    if (a == 0.0) { return -uniforms.INFINITY; }
    return log(a);
  }
  fn bagTanh(a : f32) -> f32 {
    let x = 2.0 * abs(a);
    if (x < 0.5) {
      let t = bagExpm1(x);
      return sign(a) * t / (t + 2.0);
    }
    return sign(a) * (1.0 - 2.0 / (exp(x) + 1.0));
  }
`;

const SELU_SCALE = '1.0507009873554805';
const SELU_SCALE_ALPHA = '1.7580993408473768';

/** Each as an expression of `a`, which is no NaN. */
const expressions: Record<string, string> = {
  [Exp]: 'exp(a)',
  [Expm1]: 'bagExpm1(a)',
  [Log]: 'bagLog(a)',
  [Log1p]: 'bagLog1p(a)',
  [Tanh]: 'bagTanh(a)',
  [Sigmoid]: '1.0 / (1.0 + exp(-a))',
  [Softplus]: 'max(a, 0.0) + bagLog1p(exp(-abs(a)))',
  [Elu]: 'select(bagExpm1(a), a, a >= 0.0)',
  [Selu]: `select(${SELU_SCALE_ALPHA} * bagExpm1(a), ${SELU_SCALE} * a, a >= 0.0)`,
  [Relu6]: 'clamp(a, 0.0, 6.0)',
};

/** Functions of one number that keep a NaN, and their digits near 0. */
export const unary: Record<string, WebGpuKernel> = Object.fromEntries(
  Object.entries(expressions).map(([name, expression]) => [name, kernelOf(name, expression)]),
);

function kernelOf(name: string, expression: string): WebGpuKernel {
  return (inputs, _, backend) => {
    const x = input(inputs, 'x');
    const { shape, dtype } = x;
    const code = `${helpers}
      fn element(index : i32) -> f32 {
        let a = f32(x[index]);
        if (isnan(a)) { return a; }
        return ${expression};
      }`;
    const integer = name === Relu6 && dtype === 'int32';
    return runElements(backend, { name, shape, dtype: integer ? 'int32' : 'float32', inputs: { x }, code });
  };
}
