import { backend_util, slice_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { OnednnBackend } from '../backend.js';
import { define } from '../define.js';
import { pad, type Paddings } from './pad.js';
import { slice } from './slice.js';
import { transpose } from './transpose.js';

/** The longest shape that a native kernel takes. */
const mostAxes = 8;

/** Transposes x seen under a shape with its axes cut into blocks, and gives the result the shape that joins them again. */
function rearrange(
  x: TensorInfo,
  cut: number[],
  perm: readonly number[],
  joined: number[],
  backend: OnednnBackend,
): TensorInfo {
  return { ...transpose({ ...x, shape: cut }, perm, backend), shape: joined };
}

interface Input {
  x: TensorInfo;
}

interface Blocks {
  blockShape: number[];
}

const takes = ({ x }: Input, { blockShape }: Blocks) => x.shape.length + blockShape.length <= mostAxes;

define<Input, Blocks & { paddings: Paddings }>(
  'SpaceToBatchND',
  ({ x }, { blockShape, paddings }, backend) => {
    const untouched = x.shape.slice(1 + blockShape.length).map((): [number, number] => [0, 0]);
    const padded = pad(x, [[0, 0], ...paddings, ...untouched], 0, backend);
    const blockSize = util.sizeFromShape(blockShape);
    const cut = backend_util.getReshaped(padded.shape, blockShape, blockSize, false);
    const y = rearrange(
      padded,
      cut,
      backend_util.getPermuted(cut.length, blockShape.length, false),
      backend_util.getReshapedPermuted(padded.shape, blockShape, blockSize, false),
      backend,
    );
    backend.disposeData(padded.dataId);
    return y;
  },
  { takes },
);

define<Input, Blocks & { crops: number[][] }>(
  'BatchToSpaceND',
  ({ x }, { blockShape, crops }, backend) => {
    const blockSize = util.sizeFromShape(blockShape);
    const cut = backend_util.getReshaped(x.shape, blockShape, blockSize);
    const joined = backend_util.getReshapedPermuted(x.shape, blockShape, blockSize);
    const perm = backend_util.getPermuted(cut.length, blockShape.length);
    const whole = rearrange(x, cut, perm, joined, backend);
    const [begin, size] = slice_util.parseSliceParams(
      whole,
      backend_util.getSliceBeginCoords(crops, blockShape.length),
      backend_util.getSliceSize(joined, crops, blockShape.length),
    ) as [number[], number[]];
    const y = slice(whole, begin, size, backend);
    backend.disposeData(whole.dataId);
    return y;
  },
  { takes },
);

define<Input, { blockSize: number; dataFormat: string }>(
  'DepthToSpace',
  ({ x }, { blockSize, dataFormat }, backend) => {
    util.assert(
      dataFormat === 'NHWC',
      () => `Only NHWC dataFormat supported on CPU for depthToSpace. Got ${dataFormat}`,
    );
    const [batch, height, width, channels] = x.shape as [number, number, number, number];
    const depth = channels / (blockSize * blockSize);
    return rearrange(
      x,
      [batch, height, width, blockSize, blockSize, depth],
      [0, 1, 3, 2, 4, 5],
      [batch, height * blockSize, width * blockSize, depth],
      backend,
    );
  },
);
