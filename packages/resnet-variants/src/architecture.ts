import type { Architecture, ConvUnit } from '@bag/network';
import { Blocks } from './blocks.js';

/** A: He et al. 2015. B, C, D: the tweaks of He et al. 2018, section 4, each on top of the one before. */
export type Variant = 'a' | 'b' | 'c' | 'd';

export interface ArchitectureOptions {
  /** 18, 34, 50, 101, 152 for ImageNet; 6n + 2 (8, 14, 20, 32, 44, 56, 110, …) for CIFAR. */
  depth: number;
  variant?: Variant;
  classes?: number;
  /** Channels of the first stage: 64 for ImageNet, 16 for CIFAR. */
  width?: number;
}

export interface ImageNetArchitectureOptions extends ArchitectureOptions {
  /** Whether the stem is three 3×3 convolutions instead of one 7×7; by default as the variant has it. */
  deepStem?: boolean | undefined;
  /** Channels of the deep stem's first two convolutions; its last has twice as many. Half the width by default. */
  stemWidth?: number | undefined;
  /** Whether shortcuts pool before their 1×1 convolution instead of striding in it; by default as the variant has it. */
  averagePoolShortcut?: boolean | undefined;
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
 * The ImageNet family of He et al. 2015, table 1, with the tweaks of He et al. 2018, figure 2. A tweak can be had by
 * itself: `{ variant: 'b', deepStem: true, stemWidth: 64 }` is what timm calls `resnet50s`.
 * @throws RangeError for a depth that the family does not have, another variant, or classes or a width that are none.
 * @example
 * const { nodes } = imageNetArchitecture({ depth: 50, variant: 'd' });
 */
export function imageNetArchitecture({
  depth,
  variant = 'b',
  classes = 1000,
  width = 64,
  deepStem = variant === 'c' || variant === 'd',
  stemWidth = width / 2,
  averagePoolShortcut = variant === 'd',
}: ImageNetArchitectureOptions): Architecture {
  checkOptions('resnet', { variant, classes, width });
  if (!Number.isInteger(stemWidth) || stemWidth < 1) {
    throw new RangeError(`resnet: expected a whole stemWidth ≥ 1, got ${stemWidth}`);
  }
  const stage = stages.get(depth);
  if (stage === undefined) {
    throw new RangeError(`resnet: expected a depth of ${imageNetDepths.join(', ')}, got ${depth}`);
  }
  const blocks = new Blocks({ strideFirst: variant === 'a', averagePoolShortcut });
  if (deepStem) {
    blocks.conv('conv1.0', 'conv1.1', 3, 2, 3, stemWidth);
    blocks.conv('conv1.3', 'conv1.4', 3, 1, stemWidth, stemWidth);
    blocks.conv('conv1.6', 'bn1', 3, 1, stemWidth, 2 * stemWidth);
  } else {
    blocks.conv('conv1', 'bn1', 7, 2, 3, width);
  }
  blocks.maxPool('maxpool');
  let from = deepStem ? 2 * stemWidth : width;
  for (const [i, count] of stage.blocks.entries()) {
    const inner = width * 2 ** i;
    for (let j = 0; j < count; j++) {
      const [name, stride] = [`layer${i + 1}.${j}`, i > 0 && j === 0 ? 2 : 1];
      if (stage.bottleneck) blocks.bottleneck(name, from, inner, stride);
      else blocks.basic(name, from, inner, stride);
      from = stage.bottleneck ? inner * 4 : inner;
    }
  }
  return {
    name: `resnet${depth}${variant}`,
    family: 'imagenet',
    inputSize: 224,
    classes,
    nodes: blocks.nodes,
    epsilon: 1e-5,
    head: { name: 'fc', features: from, dropout: 0 },
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
  const blocks = new Blocks({
    strideFirst: false,
    averagePoolShortcut: variant === 'd',
    padShortcut: shortcut === 'pad',
  });
  blocks.conv('conv1', 'bn1', 3, 1, 3, width);
  let from = width;
  for (let i = 0; i < 3; i++) {
    const to = width * 2 ** i;
    for (let j = 0; j < perStage; j++) {
      blocks.basic(`layer${i + 1}.${j}`, from, to, i > 0 && j === 0 ? 2 : 1);
      from = to;
    }
  }
  return {
    name: `resnet${depth}${variant}`,
    family: 'cifar',
    inputSize: 32,
    classes,
    nodes: blocks.nodes,
    epsilon: 1e-5,
    head: { name: 'fc', features: from, dropout: 0 },
  };
}

/**
 * The last convolutions of the residual blocks, whose sums with the shortcuts the blocks give.
 *
 * @example
 * blockEnds(imageNetArchitecture({ depth: 50 })).length; // 16
 */
export function blockEnds({ nodes }: Pick<Architecture, 'nodes'>): ConvUnit[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  return nodes.flatMap((node) => {
    const main = node.kind === 'add' ? byName.get(node.inputs[0] ?? '') : undefined;
    return main?.kind === 'conv' ? [main.unit] : [];
  });
}
