import { type Architecture, freeze, type Network } from '@bag/network';
import { createModel, modelArchitecture, type ModelName, type ModelOptions, parseModelName } from '@bag/models';
import { createRandom } from '@bag/random';
import type { Variant } from '@bag/resnet-variants';
import type { Config } from './config/schema.js';
import { UsageError } from './errors.js';

/** What the configured model is; the letter of a ResNet's name, as in `resnet50d`, overrules `variant`. */
export function modelOf({ model }: Pick<Config, 'model'>): ModelName {
  try {
    return parseModelName(model);
  } catch (error) {
    throw new UsageError(`model: ${(error as Error).message}`);
  }
}

/** The variant of a configured ResNet; other models have none. */
export function variantOf({ model, variant }: Pick<Config, 'model' | 'variant'>): Variant | undefined {
  const parsed = modelOf({ model });
  return parsed.kind === 'resnet' ? (parsed.variant ?? variant) : undefined;
}

/** A model as a person calls it: `resnet50 d`, `resnet50d`, `inception-v3`. */
export function modelTitle({ model, variant }: Pick<Config, 'model' | 'variant'>): string {
  const parsed = modelOf({ model });
  return parsed.kind === 'resnet' && parsed.variant === undefined ? `${model} ${variant}` : model;
}

/** Pixels on a side of the images that the network takes. */
export function imageSizeOf(config: Config): number {
  return config.imageSize ?? architectureOf(config, 2).inputSize;
}

function optionsOf(config: Config, classes: number): ModelOptions {
  const { model: name, variant, shortcut, activation, deepStem, stemWidth, averagePoolShortcut } = config;
  return {
    name,
    variant,
    classes,
    shortcut,
    ...(activation !== null && { activation }),
    ...(deepStem !== null && { deepStem }),
    ...(stemWidth !== null && { stemWidth }),
    ...(averagePoolShortcut !== null && { averagePoolShortcut }),
  };
}

/** The configured network's shape, without any weights. */
export function architectureOf(config: Config, classes: number): Architecture {
  requireShortcut(config);
  return modelArchitecture(optionsOf(config, classes));
}

/** The configured network with fresh weights; the caller disposes it. */
export function buildNetwork(config: Config, classes: number): Network {
  requireShortcut(config);
  const { zeroGamma, initializer, seed } = config;
  const random = createRandom({ seed, purpose: 'weights' });
  return createModel({ ...optionsOf(config, classes), zeroGamma, initializer }, { random });
}

function requireShortcut(config: Config): void {
  const { family } = modelOf(config);
  if (family === 'cifar' && config.shortcut === 'pad' && variantOf(config) === 'd') {
    throw new UsageError('shortcut: pad has no parameters to pool before; use projection with variant d');
  }
}

/**
 * Freezes what the configuration says.
 * @returns A line for the log, where anything is frozen.
 * @throws UsageError for a pattern that matches nothing, or everything.
 */
export function freezeParts(network: Network, patterns: readonly string[]): string[] {
  if (patterns.length === 0) return [];
  try {
    const frozen = freeze(network.parameters, patterns);
    const all = network.parameters.filter(({ role }) => !role.startsWith('running')).length;
    return [`frozen: ${frozen.length} of ${all} tensors (${patterns.join(', ')})`];
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
