import { type Architecture, type Network, parameterShapes } from '@bag/network';
import { loadParameters, type StoredTensor } from '@bag/trainer';
import { mergeConfigs } from './config/load.js';
import type { Config, PartialConfig } from './config/schema.js';
import { UsageError } from './errors.js';
import { assumption, isNumbered } from './foreign-weights.js';
import { architectureOf, buildNetwork, freezeParts, frozenParameters, modelTitle } from './network.js';
import { type Origin, originOf, preparationKeys, underlying } from './origin.js';
import { parameterGroups } from './parameter-groups.js';
import { shownPath } from './paths.js';
import { storedWeights } from './run.js';
import { some } from './some.js';
import { fittedWeights } from './weights.js';

/**
 * Keys that a run takes over from the weights it starts from, unless something else is said: the network's shape, and how
 * its images are prepared.
 * @throws UsageError where there are no such weights, or nothing says what their model is.
 */
export async function inheritedKeys(...parts: PartialConfig[]): Promise<PartialConfig> {
  const said = mergeConfigs(...parts);
  if (typeof said.init !== 'string') return {};
  return underlying(originOf(shownPath(said.init), await storedWeights(said.init), said), said);
}

/**
 * The configured network as its training starts: fresh or from given weights, with its frozen parts.
 *
 * @param init Whether given weights are read; a run that goes on has its own.
 * @returns What was done, a line each; the caller disposes the network.
 * @throws UsageError where the weights are another model's, or a frozen part is none of this one.
 */
export async function startNetwork(
  config: Config,
  classes: readonly string[],
  { init = true }: { init?: boolean } = {},
): Promise<{ network: Network; notes: string[] }> {
  // Given weights have their own γ.
  const network = buildNetwork({ ...config, zeroGamma: config.zeroGamma && config.init === null }, classes.length);
  try {
    const given = init ? await givenWeights(config, classes) : undefined;
    if (given !== undefined) {
      const { tensors } = given;
      loadParameters({ parameters: network.parameters.filter(({ name }) => name in tensors) }, tensors);
    }
    return { network, notes: [...network.notes, ...(given?.notes ?? []), ...freezeParts(network, config)] };
  } catch (error) {
    network.dispose();
    throw error;
  }
}

/**
 * What can be known before any data are read: that the weights fit, and that what is named by pattern is there.
 * @throws UsageError where not.
 */
export async function requireStart(config: Config): Promise<void> {
  const parameters = parameterShapes(architectureOf(config, 2));
  const frozen = new Set(frozenParameters(config, parameters));
  const trained = parameters.filter(({ name, role }) => !role.startsWith('running') && !frozen.has(name));
  parameterGroups(config, trained);
  await givenWeights(config);
}

/**
 * The configured weights as the network has them, all of them or none, and what was done, a line each; nothing where none
 * are configured.
 * @param classes The data's; without them, nothing is said of the head.
 * @throws UsageError listing the names that differ.
 */
export async function givenWeights(
  config: Config,
  classes?: readonly string[],
): Promise<{ tensors: Record<string, StoredTensor>; notes: string[] } | undefined> {
  if (config.init === null) return undefined;
  const path = shownPath(config.init);
  const stored = await storedWeights(config.init);
  const { model, variant, normalization } = config;
  const origin = originOf(path, stored, { model, variant });
  const architecture = architectureOf(config, classes?.length ?? 2);
  const known = origin.classes === undefined || isNumbered(origin.classes) ? undefined : origin.classes;
  const areOthers = known !== undefined && classes !== undefined && known.join() !== classes.join();
  const target = { parameters: parameterShapes(architecture), head: architecture.head };
  let fitted;
  try {
    fitted = fittedWeights(target, stored.weights, path, { replaceHead: areOthers ? 'always' : true });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}${otherModel(config, origin)}`, { cause: error });
  }
  const assumed = !origin.isRecorded && origin.keys.normalization === normalization;
  return {
    tensors: fitted.tensors,
    notes: [
      `weights from ${path}; ${assumed ? assumption(config) : `normalization ${normalization}`}`,
      ...fitted.notes,
      ...(classes === undefined ? [] : [headNote(architecture, fitted.head, classes, known)]),
      ...(config.zeroGamma ? ['zero-γ: off, the weights have their own γ'] : []),
      ...preparationWarnings(config, origin),
    ],
  };
}

function headNote(
  { head: { name } }: Architecture,
  replaced: { stored: number; expected: number } | undefined,
  classes: readonly string[],
  known: readonly string[] | undefined,
): string {
  if (replaced === undefined) {
    return `the head is kept: ${classes.length} classes${known === undefined ? ', whose names the weights do not tell' : ''}`;
  }
  const { stored, expected } = replaced;
  if (stored !== expected) return `the head is new: ${name} has ${stored} classes in the weights, the data ${expected}`;
  return `the head is new: the weights know ${some(known ?? [])}, the data has ${some(classes)}`;
}

/** Where images are prepared in another way than those were that the weights are known to be trained on. */
function preparationWarnings(config: Config, { keys, isRecorded }: Origin): string[] {
  if (!isRecorded) return [];
  return preparationKeys
    .filter((key) => keys[key] !== undefined && keys[key] !== config[key])
    .map((key) => `warning: ${key} is ${config[key]}; the weights were trained with ${keys[key] ?? ''}`);
}

function otherModel(config: Config, { keys: { model, variant = 'b' }, isRecorded }: Origin): string {
  if (!isRecorded || model === undefined) return ` (asked for is ${modelTitle(config)})`;
  return ` (they are ${modelTitle({ model, variant })}'s, asked for is ${modelTitle(config)})`;
}
