import { type Architecture, freeze, frozenNames, type Network, type Parameter } from '@bag/network';
import {
  createModel,
  modelArchitecture,
  type ModelName,
  type ModelOptions,
  parseModelName,
  unusedOptions,
} from '@bag/models';
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
    classes,
    shortcut,
    // It has a value whatever the model is.
    ...(modelOf(config).kind === 'resnet' && { variant }),
    ...(activation !== null && { activation }),
    ...(deepStem !== null && { deepStem }),
    ...(stemWidth !== null && { stemWidth }),
    ...(averagePoolShortcut !== null && { averagePoolShortcut }),
  };
}

/** What is configured and does nothing, a warning each. */
export function idleOptions(config: Config): string[] {
  return unusedOptions(optionsOf(config, 2));
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
 * A variant that was asked for acts on ResNets only.
 * @throws UsageError where the model is another.
 */
export function requireActing({ variant }: { variant?: string }, config: Config): void {
  if (variant === undefined || modelOf(config).kind === 'resnet') return;
  throw new UsageError(`--variant is of ResNets; leave it out with ${config.model}`);
}

/**
 * Names of the parameters that do not learn.
 * @throws UsageError for a pattern that matches nothing, or where everything is frozen.
 */
export function frozenParameters(config: Config, parameters: readonly Pick<Parameter, 'name' | 'role'>[]): string[] {
  try {
    return frozenNames(parameters, config.freeze);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Freezes what is configured; a line for the log, where that is anything. */
export function freezeParts({ parameters }: Network, config: Config): string[] {
  if (config.freeze.length === 0) return [];
  const frozen = freeze(parameters, frozenParameters(config, parameters));
  const all = parameters.filter(({ role }) => !role.startsWith('running')).length;
  return [`frozen: ${frozen.length} of ${all} tensors (${config.freeze.join(', ')})`];
}
