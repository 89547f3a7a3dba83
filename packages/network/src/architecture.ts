/** Height and width, or top-bottom and left-right. */
export type Pair = readonly [number, number];

/** A convolution with its BatchNorm. */
export interface ConvUnit {
  /** Name of the convolution's parameters, as torch has it. */
  name: string;
  /** Name of the BatchNorm's parameters. */
  batchNorm: string;
  kernel: Pair;
  stride: number;
  /** On each side, in pixels. */
  padding: Pair;
  from: number;
  to: number;
  /** Whether each channel has a filter of its own; `from` is `to` then. */
  depthwise: boolean;
  bias: boolean;
}

export type Activation = 'none' | 'relu' | 'relu6';

interface Named {
  name: string;
  /** The nodes whose values it takes; `imagesNode` is the network's input. */
  inputs: readonly string[];
}

/** A part of a network between two values. */
export type Node = Named &
  (
    | { kind: 'conv'; unit: ConvUnit; activation: Activation }
    /** The sum of two values; of a residual block, the block's last convolution comes first, the shortcut second. */
    | { kind: 'add'; activation: Activation }
    | { kind: 'concat' }
    | { kind: 'maxPool'; size: number; stride: number; padding: number }
    /** `ceil`: a last window that is not full counts, too. `countPadding`: zeros of the padding count as pixels. */
    | { kind: 'averagePool'; size: number; stride: number; padding: number; ceil: boolean; countPadding: boolean }
    /** Every `stride`-th pixel, and zeros as new channels. */
    | { kind: 'padChannels'; stride: number; from: number; to: number }
  );

/** The node that stands for the network's input, `[batch, height, width, 3]`. */
export const imagesNode = 'images';

/** A network as data: enough to count, build and convert it. */
export interface Architecture {
  /** Such as `resnet50d`. */
  name: string;
  /** What kind of images it is made for: large ones that are cropped, or small ones. */
  family: 'imagenet' | 'cifar';
  /** Height and width that the architecture is made for, in pixels. */
  inputSize: number;
  classes: number;
  /** In the order of the forward pass; the last one's value is averaged over the image, then comes the head. */
  nodes: readonly Node[];
  /** ε of every BatchNorm. */
  epsilon: number;
  /** The final dense layer, with dropout before it. */
  head: { name: string; features: number; dropout: number };
}

/**
 * All convolutions of an architecture with their BatchNorms, in the order of its nodes.
 *
 * @example
 * convUnits(imageNetArchitecture({ depth: 50 })).length; // 53
 */
export function convUnits({ nodes }: Pick<Architecture, 'nodes'>): ConvUnit[] {
  return nodes.flatMap((node) => (node.kind === 'conv' ? [node.unit] : []));
}

/**
 * How large every node's value is on images of a size: `[height, width]` by name of node.
 * @throws RangeError where the images are too small for a node.
 *
 * @example
 * nodeSizes(imageNetArchitecture({ depth: 50 }), [224, 224]).get('layer4.2.add'); // [7, 7]
 */
export function nodeSizes({ name, nodes }: Pick<Architecture, 'name' | 'nodes'>, images: Pair): Map<string, Pair> {
  const sizes = new Map<string, Pair>([[imagesNode, images]]);
  for (const node of nodes) {
    const input = sizes.get(node.inputs[0] ?? '');
    if (input === undefined) throw new Error(`${name}: ${node.name} comes before its input ${node.inputs[0] ?? ''}`);
    const size = outSize(node, input);
    if (Math.min(...size) < 1) {
      throw new RangeError(
        `${name}: images of ${images.join('×')} pixels are too small; nothing is left at ${node.name}`,
      );
    }
    sizes.set(node.name, size);
  }
  return sizes;
}

function outSize(node: Node, [height, width]: Pair): Pair {
  switch (node.kind) {
    case 'conv': {
      const { kernel, stride, padding } = node.unit;
      const along = (n: number, axis: 0 | 1) => Math.floor((n + 2 * padding[axis] - kernel[axis]) / stride) + 1;
      return [along(height, 0), along(width, 1)];
    }
    case 'maxPool':
    case 'averagePool': {
      const { size, stride, padding } = node;
      const round = node.kind === 'averagePool' && node.ceil ? Math.ceil : Math.floor;
      const along = (n: number) => round((n + 2 * padding - size) / stride) + 1;
      return [along(height), along(width)];
    }
    case 'padChannels':
      return [Math.ceil(height / node.stride), Math.ceil(width / node.stride)];
    case 'add':
    case 'concat':
      return [height, width];
  }
}
