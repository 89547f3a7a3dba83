import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';

const GatherV2 = kernelNumber('GatherV2');
const GatherNd = kernelNumber('GatherNd');

define<Record<'x' | 'indices', TensorInfo>, { axis: number; batchDims?: number }>(
  'GatherV2',
  ({ x, indices }, { axis: given, batchDims = 0 }, backend) => {
    const axis = util.parseAxisParam(given, x.shape)[0] as number;
    const info = backend_util.segment_util.collectGatherOpShapeInfo(x, indices, axis, batchDims);
    const { batchSize, outerSize, dimSize, sliceSize, outputShape } = info;
    const count = batchSize === 0 ? 0 : util.sizeFromShape(indices.shape) / batchSize;
    const call = backend.call(GatherV2);
    call.stored(x, [batchSize, outerSize, dimSize, sliceSize]);
    call.tensor(indices, [batchSize, count]);
    const y = call.outputLike(x, outputShape, [batchSize, outerSize, count, sliceSize]);
    call.run();
    return y;
  },
  { takes: ({ indices }) => indices.dtype === 'int32' },
);

define<Record<'params' | 'indices', TensorInfo>>('GatherNd', ({ params, indices }, _, backend) => {
  const [shape, count, width] = backend_util.prepareAndValidate(params, indices);
  const call = backend.call(GatherNd);
  call.stored(params);
  call.tensor(indices, [count, indices.shape.at(-1) as number]);
  const y = call.outputLike(params, shape, [count, width]);
  call.run();
  return y;
});
