import {
  type Activation,
  type Architecture,
  createNetwork,
  type Initializer,
  type Network,
  type Node,
} from '@bag/network';

export interface MobileNetArchitectureOptions {
  classes?: number;
  /** Channels of the first convolution: 32, or less for a narrower network. */
  width?: number;
  /** What follows each BatchNorm: `'relu'` as gluon has it, `'relu6'` as the published TensorFlow and timm weights. */
  activation?: Extract<Activation, 'relu' | 'relu6'>;
}

/** Multiples of the first width that each stage gives, how often, and the stride of its first block. */
const stages: readonly { times: number; blocks: number; stride: number }[] = [
  { times: 2, blocks: 1, stride: 1 },
  { times: 4, blocks: 2, stride: 2 },
  { times: 8, blocks: 2, stride: 2 },
  { times: 16, blocks: 6, stride: 2 },
  { times: 32, blocks: 2, stride: 2 },
];

/**
 * MobileNet v1: a 3×3 convolution, then thirteen pairs of a 3×3 depthwise and a 1×1 convolution. Parameters have the
 * names of timm's `mobilenetv1_100`.
 * @throws RangeError for classes or a width that are none.
 * Source: Howard et al. 2017, table 1.
 * @example
 * countParameters(mobileNetArchitecture()); // 4231976
 */
export function mobileNetArchitecture({
  classes = 1000,
  width = 32,
  activation = 'relu',
}: MobileNetArchitectureOptions = {}): Architecture {
  for (const [name, value] of Object.entries({ classes, width })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`mobileNet: expected a whole number ≥ 1 for ${name}, got ${value}`);
    }
  }
  const nodes: Node[] = [
    conv('conv_stem', 'bn1', { size: 3, stride: 2, from: 3, to: width, depthwise: false }, 'images'),
  ];
  let from = width;
  for (const [i, { times, blocks, stride }] of stages.entries()) {
    for (let j = 0; j < blocks; j++) {
      const [name, to] = [`blocks.${i}.${j}`, width * times];
      const depthwise = { size: 3, stride: j === 0 ? stride : 1, from, to: from, depthwise: true };
      nodes.push(conv(`${name}.conv_dw`, `${name}.bn1`, depthwise, nodes.at(-1)?.name ?? ''));
      const pointwise = { size: 1, stride: 1, from, to, depthwise: false };
      nodes.push(conv(`${name}.conv_pw`, `${name}.bn2`, pointwise, nodes.at(-1)?.name ?? ''));
      from = to;
    }
  }
  return {
    name: 'mobilenet',
    family: 'imagenet',
    inputSize: 224,
    classes,
    nodes,
    epsilon: 1e-5,
    head: { name: 'classifier', features: from, dropout: 0 },
  };

  function conv(
    name: string,
    batchNorm: string,
    { size, ...unit }: { size: number; stride: number; from: number; to: number; depthwise: boolean },
    input: string,
  ): Node {
    const [kernel, padding] = [[size, size] as const, [(size - 1) / 2, (size - 1) / 2] as const];
    const whole = { name, batchNorm, kernel, padding, bias: false, ...unit };
    return { kind: 'conv', name, inputs: [input], unit: whole, activation };
  }
}

/**
 * A MobileNet v1.
 *
 * @param random Uniform numbers in [0, 1) for the initial weights.
 * @returns A network whose variables the caller owns and frees by `dispose()`.
 * @throws RangeError for classes, a width or an initializer that are none.
 * Source: Howard et al. 2017.
 * @example
 * const network = mobileNet({ classes: 10 }, { random });
 */
export function mobileNet(
  { initializer, ...options }: MobileNetArchitectureOptions & { initializer?: 'xavier' | 'kaiming' | Initializer },
  { random }: { random: () => number },
): Network {
  return createNetwork(mobileNetArchitecture(options), { ...(initializer && { initializer }), random });
}
