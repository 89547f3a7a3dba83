import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { OnednnBackend } from '../backend.js';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';
import { applyUnary, defineUnary, type Unary } from '../elementwise.js';
import type { NumericDType } from '../storage.js';
import { asFloat } from './cast.js';
import { fill } from './fill.js';

defineUnary(['Abs', 'Neg', 'Sign', 'Square', 'Relu', 'Relu6'], ['float32', 'int32']);
defineUnary(['Sqrt', 'Rsqrt', 'Reciprocal', 'Expm1', 'Log', 'Log1p'], ['float32']);
defineUnary(['Sin', 'Cos', 'Tan', 'Asin', 'Acos', 'Atan', 'Erf'], ['float32']);
defineUnary(['Sinh', 'Cosh', 'Tanh', 'Asinh', 'Acosh', 'Atanh'], ['float32']);
defineUnary(['Sigmoid', 'Softplus', 'Elu', 'Selu'], ['float32']);

for (const name of ['Ceil', 'Floor', 'Round']) {
  const kernel = kernelNumber(name);
  define<Unary>(name, ({ x }, _, backend) =>
    x.dtype === 'float32' ? applyUnary(kernel, x, 'float32', backend) : backend.alias(x, x.shape, x.dtype),
  );
}

/** What is true of every integer needs no look at them. */
function defineTest(name: string, ofIntegers: 0 | 1): void {
  const kernel = kernelNumber(name);
  define<Unary>(name, ({ x }, _, backend) =>
    x.dtype === 'float32' ? applyUnary(kernel, x, 'bool', backend) : fill(x.shape, ofIntegers, 'bool', backend),
  );
}
defineTest('IsNan', 0);
defineTest('IsInf', 0);
defineTest('IsFinite', 1);

const Exp = kernelNumber('Exp');
const LeakyRelu = kernelNumber('LeakyRelu');
const Step = kernelNumber('Step');
const ClipByValue = kernelNumber('ClipByValue');

/** Gives float32 for integers too, as LeakyRelu does. */
define<Unary>('Exp', ({ x }, _, backend) =>
  asFloat(x, backend, (floats) => applyUnary(Exp, floats, 'float32', backend)),
);

define<Unary, { alpha: number }>('LeakyRelu', ({ x }, { alpha }, backend) =>
  asFloat(x, backend, (floats) => applyUnary(LeakyRelu, floats, 'float32', backend, alpha)),
);

define<Unary, { alpha: number }>(
  'Step',
  ({ x }, { alpha }, backend) => applyUnary(Step, x, 'float32', backend, alpha),
  { takes: ({ x }) => x.dtype === 'float32' },
);

interface Bounds {
  clipValueMin: number;
  clipValueMax: number;
}

function clip(x: TensorInfo, least: number, most: number, backend: OnednnBackend): TensorInfo {
  return applyUnary(ClipByValue, x, x.dtype as NumericDType, backend, least, most);
}

define<Unary, Bounds>(
  'ClipByValue',
  ({ x }, { clipValueMin, clipValueMax }, backend) => clip(x, clipValueMin, clipValueMax, backend),
  {
    takes: ({ x }, { clipValueMin, clipValueMax }) =>
      x.dtype === 'float32' || (x.dtype === 'int32' && isInt32(clipValueMin) && isInt32(clipValueMax)),
  },
);

function isInt32(value: number): boolean {
  return (value | 0) === value;
}
