import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { OnednnBackend } from '../backend.js';
import { type Call, kernelNumber } from '../call.js';
import { define } from '../define.js';
import type { NumericDType } from '../storage.js';

const ScatterNd = kernelNumber('ScatterNd');
const TensorScatterUpdate = kernelNumber('TensorScatterUpdate');
const UnsortedSegmentSum = kernelNumber('UnsortedSegmentSum');

type Changes = Record<'indices' | 'updates', TensorInfo>;

function pushChanges(call: Call, { indices, updates }: Changes, shape: number[]): void {
  const { numUpdates, sliceRank } = backend_util.calculateShapes(updates, indices, shape);
  call.tensor(indices, [numUpdates, sliceRank]);
  call.tensor(updates);
}

function takes({ indices }: Changes): boolean {
  return indices.dtype === 'int32';
}

define<Changes, { shape: number[] }>(
  'ScatterNd',
  (changes, { shape }, backend) => {
    const call = backend.call(ScatterNd);
    pushChanges(call, changes, shape);
    const y = call.output(shape, changes.updates.dtype as NumericDType);
    call.run();
    return y;
  },
  { takes },
);

define<Changes & { tensor: TensorInfo }>(
  'TensorScatterUpdate',
  ({ tensor, ...changes }, _, backend) => {
    const call = backend.call(TensorScatterUpdate);
    call.tensor(tensor);
    pushChanges(call, changes, tensor.shape);
    const y = call.output(tensor.shape, tensor.dtype as NumericDType);
    call.run();
    return y;
  },
  { takes: (inputs) => takes(inputs) && inputs.tensor.dtype === inputs.updates.dtype },
);

function segmentSum(x: TensorInfo, segmentIds: TensorInfo, segments: number, backend: OnednnBackend): TensorInfo {
  const [rows, ...rest] = x.shape as [number, ...number[]];
  const width = util.sizeFromShape(rest);
  const call = backend.call(UnsortedSegmentSum);
  call.tensor(x, [rows, width]);
  call.tensor(segmentIds);
  const y = call.output([segments, ...rest], 'float32', [segments, width]);
  call.run();
  return y;
}

define<Record<'x' | 'segmentIds', TensorInfo>, { numSegments: number }>(
  'UnsortedSegmentSum',
  ({ x, segmentIds }, { numSegments }, backend) => segmentSum(x, segmentIds, numSegments, backend),
  {
    takes: ({ x, segmentIds }) =>
      x.dtype === 'float32' &&
      segmentIds.dtype === 'int32' &&
      segmentIds.shape.length === 1 &&
      segmentIds.shape[0] === x.shape[0],
  },
);
