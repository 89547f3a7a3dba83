import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { OnednnBackend } from '../backend.js';
import { kernelNumber } from '../call.js';
import { define, runKernel } from '../define.js';
import type { NumericDType } from '../storage.js';

interface Input {
  x: TensorInfo;
}

/** `Max` alone calls its axes otherwise. */
interface Attributes {
  axis?: number | number[];
  reductionIndices?: number | number[];
  keepDims?: boolean;
}

const Reduce = kernelNumber('Reduce');

/** As native/reduction.cc numbers them. */
enum Operation {
  Sum,
  Mean,
  Product,
  Max,
  Min,
}

function reduce(
  operation: Operation,
  dtype: NumericDType,
  x: TensorInfo,
  { axis, reductionIndices, keepDims = false }: Attributes,
  backend: OnednnBackend,
): TensorInfo {
  let reduced = 0;
  for (const i of util.parseAxisParam((axis ?? reductionIndices) as number | number[], x.shape)) reduced |= 1 << i;
  const shape: number[] = [];
  let changes = dtype !== x.dtype;
  for (let i = 0; i < x.shape.length; i++) {
    const size = x.shape[i] as number;
    const kept = (reduced & (1 << i)) === 0;
    if (!kept && size !== 1) changes = true;
    if (kept) shape.push(size);
    else if (keepDims) shape.push(1);
  }
  // One value is its own sum, mean and product; but these are float32.
  const selects = operation === Operation.Max || operation === Operation.Min;
  if (!changes && (selects || backend.halfOf(x.dataId) === undefined)) return backend.alias(x, shape, dtype);
  const call = backend.call(Reduce);
  call.stored(x);
  const y = call.output(shape, dtype);
  call.number(reduced);
  call.number(operation);
  call.run();
  return y;
}

function defineReduction(name: string, operation: Operation, dtypeOf: (own: NumericDType) => NumericDType): void {
  define<Input, Attributes>(
    name,
    ({ x }, attributes, backend) => reduce(operation, dtypeOf(x.dtype as NumericDType), x, attributes, backend),
    { takes: ({ x }) => !x.shape.includes(0) },
  );
}

const counted = (own: NumericDType) => (own === 'bool' ? 'int32' : own);

defineReduction('Sum', Operation.Sum, counted);
defineReduction('Prod', Operation.Product, counted);
defineReduction('Mean', Operation.Mean, () => 'float32');
defineReduction('Max', Operation.Max, (own) => own);
defineReduction('Min', Operation.Min, (own) => own);

define<Input>('BagGlobalAveragePool', ({ x }, _, backend) => runKernel('Mean', { x }, { axis: [1, 2] }, backend));

/** Truth values are 0 and 1. */
function defineLogical(name: string, operation: Operation): void {
  define<Input, Attributes>(name, ({ x }, attributes, backend) => reduce(operation, 'bool', x, attributes, backend), {
    takes: ({ x }) => x.dtype === 'bool' && !x.shape.includes(0),
  });
}

defineLogical('All', Operation.Min);
defineLogical('Any', Operation.Max);
