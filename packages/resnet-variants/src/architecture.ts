/** A: He et al. 2015. B, C, D: the tweaks of He et al. 2018, section 4, each on top of the one before. */
export type Variant = 'a' | 'b' | 'c' | 'd';

/** A convolution with its BatchNorm. */
export interface ConvUnit {
  /** Name of the convolution's parameters, as torch has it. */
  name: string;
  /** Name of the BatchNorm's parameters. */
  batchNorm: string;
  kernel: number;
  stride: number;
  /** On each side, in pixels. */
  padding: number;
  from: number;
  to: number;
  bias: boolean;
}

/** How a block's input reaches its end. */
export type Shortcut =
  | { kind: 'identity' }
  /** 1×1 convolution and BatchNorm, behind an average pool of `pool`×`pool` (1: none). */
  | { kind: 'projection'; pool: number; unit: ConvUnit }
  /** Every `stride`-th pixel, and zeros as new channels; no parameters. */
  | { kind: 'pad'; stride: number; from: number; to: number };

export interface Block {
  /** `layer1.0` and so on. */
  name: string;
  /** In order; ReLU follows all but the last, which is added to the shortcut first. */
  units: ConvUnit[];
  shortcut: Shortcut;
}

/** A network as data: enough to count, build and convert it. */
export interface Architecture {
  /** Such as `resnet50d`. */
  name: string;
  variant: Variant;
  family: 'imagenet' | 'cifar';
  /** Height and width that the architecture is made for, in pixels. */
  inputSize: number;
  classes: number;
  stem: ConvUnit[];
  /** Whether a 3×3 max pool of stride 2 follows the stem. */
  maxPool: boolean;
  blocks: Block[];
  /** Channels before the final dense layer. */
  features: number;
}

export interface ArchitectureOptions {
  /** 18, 34, 50, 101, 152 for ImageNet; 6n + 2 (8, 14, 20, 32, 44, 56, 110, …) for CIFAR. */
  depth: number;
  variant?: Variant;
  classes?: number;
  /** Channels of the first stage: 64 for ImageNet, 16 for CIFAR. */
  width?: number;
}

const stages = new Map<number, { blocks: [number, number, number, number]; bottleneck: boolean }>([
  [18, { blocks: [2, 2, 2, 2], bottleneck: false }],
  [34, { blocks: [3, 4, 6, 3], bottleneck: false }],
  [50, { blocks: [3, 4, 6, 3], bottleneck: true }],
  [101, { blocks: [3, 4, 23, 3], bottleneck: true }],
  [152, { blocks: [3, 8, 36, 3], bottleneck: true }],
]);

/**
 * The depths of the ImageNet family.
 *
 * @example
 * imageNetDepths; // [18, 34, 50, 101, 152]
 */
export const imageNetDepths: readonly number[] = [...stages.keys()];
/**
 * The depths of the CIFAR family in the literature; any 6n + 2 works.
 *
 * @example
 * cifarDepths; // [20, 32, 44, 56, 110]
 */
export const cifarDepths: readonly number[] = [20, 32, 44, 56, 110];

function checkOptions(
  owner: string,
  { variant = 'b', classes = 1, width = 2 }: Omit<ArchitectureOptions, 'depth'>,
): void {
  if (!['a', 'b', 'c', 'd'].includes(variant)) {
    throw new RangeError(`${owner}: expected variant a, b, c or d, got ${JSON.stringify(variant)}`);
  }
  if (!Number.isInteger(classes) || classes < 1) {
    throw new RangeError(`${owner}: expected a whole number of classes ≥ 1, got ${classes}`);
  }
  // The deep stem has half the width.
  if (!Number.isInteger(width / 2) || width < 2)
    throw new RangeError(`${owner}: expected an even width ≥ 2, got ${width}`);
}

/**
 * The ImageNet family of He et al. 2015, table 1, with the tweaks of He et al. 2018, figure 2.
 * @throws RangeError for a depth that the family does not have, another variant, or classes or a width that are none.
 * @example
 * const { blocks } = imageNetArchitecture({ depth: 50, variant: 'd' }); // 16 of them
 */
export function imageNetArchitecture({
  depth,
  variant = 'b',
  classes = 1000,
  width = 64,
}: ArchitectureOptions): Architecture {
  checkOptions('resnet', { variant, classes, width });
  const stage = stages.get(depth);
  if (stage === undefined) {
    throw new RangeError(`resnet: expected a depth of ${imageNetDepths.join(', ')}, got ${depth}`);
  }
  const deep = variant === 'c' || variant === 'd';
  const blocks: Block[] = [];
  let from = width;
  for (const [i, count] of stage.blocks.entries()) {
    const inner = width * 2 ** i;
    for (let j = 0; j < count; j++) {
      const name = `layer${i + 1}.${j}`;
      const stride = i > 0 && j === 0 ? 2 : 1;
      const block = stage.bottleneck
        ? bottleneck(name, from, inner, stride, variant)
        : basic(name, from, inner, stride, variant);
      blocks.push(block);
      from = stage.bottleneck ? inner * 4 : inner;
    }
  }
  const half = width / 2;
  return {
    name: `resnet${depth}${variant}`,
    variant,
    family: 'imagenet',
    inputSize: 224,
    classes,
    stem: deep
      ? [
          unit('conv1.0', 'conv1.1', 3, 2, 3, half),
          unit('conv1.3', 'conv1.4', 3, 1, half, half),
          unit('conv1.6', 'bn1', 3, 1, half, width),
        ]
      : [unit('conv1', 'bn1', 7, 2, 3, width)],
    maxPool: true,
    blocks,
    features: from,
  };
}

/**
 * The CIFAR family of He et al. 2015, section 4.2: 6n + 2 layers, three stages. Of the tweaks, D's shortcut applies; a
 * basic block has B's stride anyway, and the stem is a single 3×3 convolution already.
 * @throws RangeError for a depth that is not 6n + 2, or the parameter-free shortcut with variant D.
 * @example
 * const architecture = cifarArchitecture({ depth: 20, variant: 'd', classes: 100 });
 */
export function cifarArchitecture({
  depth,
  variant = 'b',
  classes = 10,
  width = 16,
  shortcut = 'projection',
}: ArchitectureOptions & { shortcut?: 'projection' | 'pad' }): Architecture {
  checkOptions('cifarResnet', { variant, classes, width });
  const perStage = (depth - 2) / 6;
  if (!Number.isInteger(perStage) || perStage < 1) {
    throw new RangeError(`cifarResnet: expected a depth of 6n + 2, such as ${cifarDepths.join(', ')}, got ${depth}`);
  }
  if (shortcut === 'pad' && variant === 'd') {
    throw new RangeError("cifarResnet: variant d has an average-pool projection; shortcut 'pad' needs a, b or c");
  }
  const blocks: Block[] = [];
  let from = width;
  for (let i = 0; i < 3; i++) {
    const to = width * 2 ** i;
    for (let j = 0; j < perStage; j++) {
      const stride = i > 0 && j === 0 ? 2 : 1;
      const block = basic(`layer${i + 1}.${j}`, from, to, stride, variant);
      if (shortcut === 'pad' && from !== to) block.shortcut = { kind: 'pad', stride, from, to };
      blocks.push(block);
      from = to;
    }
  }
  return {
    name: `resnet${depth}${variant}`,
    variant,
    family: 'cifar',
    inputSize: 32,
    classes,
    stem: [unit('conv1', 'bn1', 3, 1, 3, width)],
    maxPool: false,
    blocks,
    features: from,
  };
}

function basic(name: string, from: number, to: number, stride: number, variant: Variant): Block {
  return {
    name,
    units: [
      unit(`${name}.conv1`, `${name}.bn1`, 3, stride, from, to),
      unit(`${name}.conv2`, `${name}.bn2`, 3, 1, to, to),
    ],
    shortcut: projection(name, from, to, stride, variant),
  };
}

function bottleneck(name: string, from: number, inner: number, stride: number, variant: Variant): Block {
  // Gluon's v1 strides in the first 1×1 convolution, and gives both 1×1 a bias.
  const first = variant === 'a';
  return {
    name,
    units: [
      unit(`${name}.conv1`, `${name}.bn1`, 1, first ? stride : 1, from, inner, first),
      unit(`${name}.conv2`, `${name}.bn2`, 3, first ? 1 : stride, inner, inner),
      unit(`${name}.conv3`, `${name}.bn3`, 1, 1, inner, inner * 4, first),
    ],
    shortcut: projection(name, from, inner * 4, stride, variant),
  };
}

function projection(name: string, from: number, to: number, stride: number, variant: Variant): Shortcut {
  if (from === to && stride === 1) return { kind: 'identity' };
  // The pool takes index 0 of the sequence, at stride 1 too, where it is the identity.
  if (variant === 'd') {
    const [conv, batchNorm] = [`${name}.downsample.1`, `${name}.downsample.2`];
    return { kind: 'projection', pool: stride, unit: unit(conv, batchNorm, 1, 1, from, to) };
  }
  const [conv, batchNorm] = [`${name}.downsample.0`, `${name}.downsample.1`];
  return { kind: 'projection', pool: 1, unit: unit(conv, batchNorm, 1, stride, from, to) };
}

function unit(
  name: string,
  batchNorm: string,
  kernel: number,
  stride: number,
  from: number,
  to: number,
  bias = false,
): ConvUnit {
  return { name, batchNorm, kernel, stride, padding: (kernel - 1) / 2, from, to, bias };
}

/**
 * All convolutions of an architecture with their BatchNorms, in the order of the forward pass.
 *
 * @example
 * convUnits(imageNetArchitecture({ depth: 50 })).length; // 53
 */
export function convUnits({ stem, blocks }: Architecture): ConvUnit[] {
  return [
    ...stem,
    ...blocks.flatMap(({ units, shortcut }) => [...units, ...(shortcut.kind === 'projection' ? [shortcut.unit] : [])]),
  ];
}
