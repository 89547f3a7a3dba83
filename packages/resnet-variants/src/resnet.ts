import { type Architecture, createNetwork, type Initializer, type Network, type Parameter } from '@bag/network';
import {
  type ArchitectureOptions,
  cifarArchitecture,
  imageNetArchitecture,
  type ImageNetArchitectureOptions,
} from './architecture.js';
import { variantNotes } from './variant-notes.js';
import { zeroGamma as applyZeroGamma } from './zero-gamma.js';

interface Start {
  /** Whether the last γ of every block starts at 0. */
  zeroGamma?: boolean;
  /** How weights start: `'xavier'` as the paper, `'kaiming'` as torchvision's convolutions, or a function of one's own. */
  initializer?: 'xavier' | 'kaiming' | Initializer;
}

export interface ResNetOptions extends ImageNetArchitectureOptions, Start {}

export interface CifarResNetOptions extends ArchitectureOptions, Start {
  /** `'projection'`: 1×1 convolution; `'pad'`: no parameters, as He et al. 2015 trained on CIFAR. */
  shortcut?: 'projection' | 'pad';
}

/**
 * A ResNet for images of ImageNet's kind: 18, 34, 50, 101 or 152 layers, variant A, B (the default), C or D.
 *
 * @param random Uniform numbers in [0, 1) for the initial weights.
 * @returns A network whose variables the caller owns and frees by `dispose()`.
 * @throws RangeError for another depth, variant or initializer, or classes or a width that are none.
 * Source: He et al. 2015, table 1; He et al. 2018, section 4.
 * @example
 * const network = resnet({ depth: 50, variant: 'd', classes: 1000, zeroGamma: true }, { random });
 * const logits = network.apply(images); // [batch, 1000]
 */
export function resnet(options: ResNetOptions, { random }: { random: () => number }): Network {
  return create(imageNetArchitecture(options), options, random, []);
}

/**
 * A ResNet for small images: 6n + 2 layers in three stages.
 *
 * @param random Uniform numbers in [0, 1) for the initial weights.
 * @returns A network whose variables the caller owns and frees by `dispose()`.
 * @throws RangeError for a depth that is not 6n + 2, or `shortcut: 'pad'` with variant D.
 * Source: He et al. 2015, section 4.2.
 * @example
 * const network = cifarResnet({ depth: 20, variant: 'd' }, { random });
 */
export function cifarResnet(options: CifarResNetOptions, { random }: { random: () => number }): Network {
  const notes =
    options.variant === 'c'
      ? ['warning: variant c changes nothing on the CIFAR family, whose stem is one 3×3 convolution already']
      : [];
  return create(cifarArchitecture(options), options, random, notes);
}

function create(
  architecture: Architecture,
  { zeroGamma = false, initializer = 'xavier' }: Start,
  random: () => number,
  notes: string[],
): Network {
  const all = [...notes, ...variantNotes(architecture)];
  const prepare = (parameters: readonly Parameter[]) => {
    if (!zeroGamma) return all;
    const { changed, of } = applyZeroGamma(architecture, parameters);
    return [...all, `zero-γ: ${changed} of ${of} BatchNorms`];
  };
  return createNetwork(architecture, { initializer, random, prepare });
}
