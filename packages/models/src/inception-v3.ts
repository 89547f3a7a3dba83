import { type Architecture, createNetwork, type Initializer, type Network } from '@bag/network';
import { Branches } from './branches.js';

export interface InceptionV3ArchitectureOptions {
  classes?: number;
}

/**
 * Inception-V3 without the auxiliary head, for images of 299 pixels. Parameters have the names of torchvision's
 * `inception_v3`.
 * @throws RangeError for classes that are none.
 * Source: Szegedy et al. 2015 (Rethinking the Inception architecture), table 1 and figures 5 to 7.
 * @example
 * countParameters(inceptionV3Architecture()); // 23834568
 */
export function inceptionV3Architecture({ classes = 1000 }: InceptionV3ArchitectureOptions = {}): Architecture {
  if (!Number.isInteger(classes) || classes < 1) {
    throw new RangeError(`inceptionV3: expected a whole number of classes ≥ 1, got ${classes}`);
  }
  const net = new Branches();
  let x = net.conv('Conv2d_1a_3x3', 'images', 32, 3, { stride: 2, padding: 0 });
  x = net.conv('Conv2d_2a_3x3', x, 32, 3, { padding: 0 });
  x = net.conv('Conv2d_2b_3x3', x, 64, 3);
  x = net.maxPool('maxpool1', x);
  x = net.conv('Conv2d_3b_1x1', x, 80, 1);
  x = net.conv('Conv2d_4a_3x3', x, 192, 3, { padding: 0 });
  x = net.maxPool('maxpool2', x);
  for (const [name, pooled] of [
    ['Mixed_5b', 32],
    ['Mixed_5c', 64],
    ['Mixed_5d', 64],
  ] as const) {
    x = blockA(net, name, x, pooled);
  }
  x = blockB(net, 'Mixed_6a', x);
  for (const [name, inner] of [
    ['Mixed_6b', 128],
    ['Mixed_6c', 160],
    ['Mixed_6d', 160],
    ['Mixed_6e', 192],
  ] as const) {
    x = blockC(net, name, x, inner);
  }
  x = blockD(net, 'Mixed_7a', x);
  for (const name of ['Mixed_7b', 'Mixed_7c']) x = blockE(net, name, x);
  return {
    name: 'inception-v3',
    family: 'imagenet',
    inputSize: 299,
    classes,
    nodes: net.nodes,
    epsilon: 1e-3,
    head: { name: 'fc', features: net.channelsOf(x), dropout: 0.5 },
  };
}

/** On 35×35: 1×1, 5×5, two 3×3 in a row, pool. */
function blockA(net: Branches, name: string, x: string, pooled: number): string {
  const one = net.conv(`${name}.branch1x1`, x, 64, 1);
  const five = net.chain(`${name}.branch5x5_`, x, [
    [48, 1],
    [64, 5],
  ]);
  const three = net.chain(`${name}.branch3x3dbl_`, x, [
    [64, 1],
    [96, 3],
    [96, 3],
  ]);
  return net.concat(name, [one, five, three, net.pooled(`${name}.branch_pool`, x, pooled)]);
}

/** From 35×35 to 17×17. */
function blockB(net: Branches, name: string, x: string): string {
  const three = net.conv(`${name}.branch3x3`, x, 384, 3, { stride: 2, padding: 0 });
  const inner = net.chain(`${name}.branch3x3dbl_`, x, [
    [64, 1],
    [96, 3],
  ]);
  const double = net.conv(`${name}.branch3x3dbl_3`, inner, 96, 3, { stride: 2, padding: 0 });
  return net.concat(name, [three, double, net.maxPool(`${name}.branch_pool`, x)]);
}

/** On 17×17: 7×7 as 1×7 and 7×1. */
function blockC(net: Branches, name: string, x: string, inner: number): string {
  const [row, column] = [[1, 7] as const, [7, 1] as const];
  const one = net.conv(`${name}.branch1x1`, x, 192, 1);
  const seven = net.chain(`${name}.branch7x7_`, x, [
    [inner, 1],
    [inner, row],
    [192, column],
  ]);
  const double = net.chain(`${name}.branch7x7dbl_`, x, [
    [inner, 1],
    [inner, column],
    [inner, row],
    [inner, column],
    [192, row],
  ]);
  return net.concat(name, [one, seven, double, net.pooled(`${name}.branch_pool`, x, 192)]);
}

/** From 17×17 to 8×8. */
function blockD(net: Branches, name: string, x: string): string {
  const reduced = net.conv(`${name}.branch3x3_1`, x, 192, 1);
  const three = net.conv(`${name}.branch3x3_2`, reduced, 320, 3, { stride: 2, padding: 0 });
  const inner = net.chain(`${name}.branch7x7x3_`, x, [
    [192, 1],
    [192, [1, 7]],
    [192, [7, 1]],
  ]);
  const seven = net.conv(`${name}.branch7x7x3_4`, inner, 192, 3, { stride: 2, padding: 0 });
  return net.concat(name, [three, seven, net.maxPool(`${name}.branch_pool`, x)]);
}

/** On 8×8: branches that end in 1×3 beside 3×1. */
function blockE(net: Branches, name: string, x: string): string {
  const [row, column] = [[1, 3] as const, [3, 1] as const];
  const one = net.conv(`${name}.branch1x1`, x, 320, 1);
  const three = net.conv(`${name}.branch3x3_1`, x, 384, 1);
  const threes = [
    net.conv(`${name}.branch3x3_2a`, three, 384, row),
    net.conv(`${name}.branch3x3_2b`, three, 384, column),
  ];
  const double = net.chain(`${name}.branch3x3dbl_`, x, [
    [448, 1],
    [384, 3],
  ]);
  const doubles = [
    net.conv(`${name}.branch3x3dbl_3a`, double, 384, row),
    net.conv(`${name}.branch3x3dbl_3b`, double, 384, column),
  ];
  return net.concat(name, [one, ...threes, ...doubles, net.pooled(`${name}.branch_pool`, x, 192)]);
}

/**
 * An Inception-V3; its dropout of 0.5 before the dense layer needs `apply`'s `random` while training.
 *
 * @param random Uniform numbers in [0, 1) for the initial weights.
 * @returns A network whose variables the caller owns and frees by `dispose()`.
 * @throws RangeError for classes or an initializer that are none.
 * Source: Szegedy et al. 2015 (Rethinking the Inception architecture).
 * @example
 * const network = inceptionV3({ classes: 10 }, { random });
 */
export function inceptionV3(
  { initializer, ...options }: InceptionV3ArchitectureOptions & { initializer?: 'xavier' | 'kaiming' | Initializer },
  { random }: { random: () => number },
): Network {
  return createNetwork(inceptionV3Architecture(options), { ...(initializer && { initializer }), random });
}
