import { createRandom } from '@bag/random';
import {
  type Architecture,
  cifarArchitecture,
  cifarResnet,
  imageNetArchitecture,
  parseModelName,
  type ResNet,
  resnet,
  type Variant,
} from '@bag/resnet-variants';
import type { Config } from './config/schema.js';
import { UsageError } from './errors.js';

/** Depth and family of the configured model; the name's letter, as in `resnet50d`, overrules `variant`. */
export function modelOf({ model, variant }: Pick<Config, 'model' | 'variant'>): {
  depth: number;
  family: 'imagenet' | 'cifar';
  variant: Variant;
} {
  try {
    return { variant, ...parseModelName(model) };
  } catch (error) {
    throw new UsageError(`model: ${(error as Error).message}`);
  }
}

/** Pixels on a side of the images that the network takes. */
export function imageSizeOf(config: Config): number {
  return config.imageSize ?? (modelOf(config).family === 'cifar' ? 32 : 224);
}

/** The configured network's shape, without any weights. */
export function architectureOf(config: Config, classes: number): Architecture {
  const { depth, family, variant } = modelOf(config);
  const options = { depth, variant, classes };
  return family === 'imagenet'
    ? imageNetArchitecture(options)
    : cifarArchitecture({ ...options, shortcut: config.shortcut });
}

/** The configured network with fresh weights; the caller disposes it. */
export function buildNetwork(config: Config, classes: number): ResNet {
  const { depth, family, variant } = modelOf(config);
  const { zeroGamma, initializer, shortcut, seed } = config;
  const options = { depth, variant, classes, zeroGamma, initializer };
  const random = createRandom({ seed, purpose: 'weights' });
  if (family === 'imagenet') return resnet(options, { random });
  if (shortcut === 'pad' && variant === 'd') {
    throw new UsageError('shortcut: pad has no parameters to pool before; use projection with variant d');
  }
  return cifarResnet({ ...options, shortcut }, { random });
}
