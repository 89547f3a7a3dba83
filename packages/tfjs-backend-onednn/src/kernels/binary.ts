import type { TensorInfo } from '@tensorflow/tfjs-core';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';
import { applyBinary, defineBinary } from '../elementwise.js';
import { storedAlike } from '../precision.js';
import type { NumericDType } from '../storage.js';
import { asFloat } from './cast.js';

defineBinary(['Add', 'Sub', 'Multiply', 'Maximum', 'Minimum', 'SquaredDifference'], ['float32', 'int32', 'bool']);
defineBinary(['Mod', 'Pow'], ['float32', 'int32']);
defineBinary(['RealDiv', 'Atan2'], ['float32']);
defineBinary(['BitwiseAnd'], ['int32']);
defineBinary(['FloorDiv'], ['float32', 'int32'], { result: 'int32' });

const Prelu = kernelNumber('Prelu');
const EluGrad = kernelNumber('EluGrad');
const AddN = kernelNumber('AddN');

define<{ x: TensorInfo; alpha: TensorInfo }>('Prelu', ({ x, alpha }, _, backend) =>
  asFloat(x, backend, (floats) =>
    asFloat(alpha, backend, (slopes) => applyBinary(Prelu, floats, slopes, 'float32', backend)),
  ),
);

define<{ dy: TensorInfo; y: TensorInfo }>(
  'EluGrad',
  ({ dy, y }, _, backend) => applyBinary(EluGrad, dy, y, 'float32', backend),
  { takes: ({ dy, y }) => dy.dtype === 'float32' && y.dtype === 'float32' },
);

define<TensorInfo[]>(
  'AddN',
  (tensors, _, backend) => {
    const { shape, dtype } = tensors[0] as TensorInfo;
    const call = backend.call(AddN);
    const half = storedAlike(backend, ...tensors);
    const y = call.storedOutput(shape, half, dtype as NumericDType);
    call.number(tensors.length);
    for (const tensor of tensors) call.operand(tensor, half);
    call.run();
    return y;
  },
  // A frame of arguments holds so many at most.
  {
    takes: (tensors) =>
      tensors.length <= 1024 && tensors.every(({ dtype }) => dtype !== 'bool' && dtype === tensors[0]?.dtype),
  },
);
