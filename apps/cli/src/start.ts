import { freeze, type Network, parameterShapes } from '@bag/network';
import { mergeConfigs } from './config/load.js';
import type { Config, PartialConfig } from './config/schema.js';
import { foreignKeys } from './foreign-weights.js';
import { architectureOf, buildNetwork, frozenParameters } from './network.js';
import { parameterGroups } from './parameter-groups.js';
import { shownPath } from './paths.js';
import { storedWeights } from './run.js';
import { assignWeights, fittedWeights } from './weights.js';

const shapeKeys = [
  ...(['model', 'variant', 'shortcut', 'activation'] as const),
  ...(['deepStem', 'stemWidth', 'averagePoolShortcut'] as const),
];
const preparationKeys = ['normalization', 'orientation', 'interpolation'] as const;

/**
 * Keys that a run takes over from the weights it starts from, unless something else is said: the network's shape, and how
 * its images are prepared.
 * @throws UsageError where there are no such weights, or nothing says what their model is.
 */
export async function inheritedKeys(...parts: PartialConfig[]): Promise<PartialConfig> {
  const said = mergeConfigs(...parts);
  if (typeof said.init !== 'string') return {};
  const { weights, run } = await storedWeights(said.init);
  if (run === undefined) return foreignKeys(shownPath(said.init), weights, said).keys;
  const isSame = said.model === undefined || said.model === run.config.model;
  const keys = isSame
    ? [...shapeKeys, 'imageSize' as const, ...preparationKeys]
    : (['imageSize', ...preparationKeys] as const);
  return Object.fromEntries(keys.map((key) => [key, run.config[key]]));
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
  classes: number,
  { init = true }: { init?: boolean } = {},
): Promise<{ network: Network; notes: string[] }> {
  // Given weights have their own γ.
  const network = buildNetwork({ ...config, zeroGamma: config.zeroGamma && config.init === null }, classes);
  try {
    const notes = [...network.notes];
    if (config.init !== null && init) notes.push(...(await initialise(network, config.init, config)));
    notes.push(...freezeParts(network, config));
    return { network, notes };
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
  const architecture = architectureOf(config, 2);
  const parameters = parameterShapes(architecture);
  const frozen = new Set(frozenParameters(config, parameters));
  const trained = parameters.filter(({ name, role }) => !role.startsWith('running') && !frozen.has(name));
  parameterGroups(config, trained);
  if (config.init === null) return;
  const { weights } = await storedWeights(config.init);
  const { head } = architecture;
  fittedWeights({ parameters, head }, weights, shownPath(config.init), { replaceHead: true });
}

async function initialise(network: Network, path: string, config: Config): Promise<string[]> {
  const { weights, run } = await storedWeights(path);
  const { notes, head } = assignWeights(network, weights, shownPath(path), { replaceHead: true });
  const lines = [`weights from ${shownPath(path)}; normalization ${config.normalization}`, ...notes];
  if (head !== undefined) {
    lines.push(
      `the head is new: ${network.architecture.head.name} has ${head.stored} classes in the weights, the data ${head.expected}`,
    );
  }
  if (config.zeroGamma) lines.push('zero-γ: off, the weights have their own γ');
  const { model, variant } = config;
  const wanted = run?.config ?? foreignKeys(path, weights, { model, variant }).keys;
  for (const key of preparationKeys) {
    if (wanted[key] === undefined || wanted[key] === config[key]) continue;
    lines.push(`warning: ${key} is ${config[key]}; the weights were trained with ${wanted[key]}`);
  }
  return lines;
}

/** @returns A line for the log, where anything is frozen. */
function freezeParts({ parameters }: Network, config: Config): string[] {
  const { freeze: patterns } = config;
  if (patterns.length === 0) return [];
  const frozen = freeze(parameters, frozenParameters(config, parameters));
  const all = parameters.filter(({ role }) => !role.startsWith('running')).length;
  return [`frozen: ${frozen.length} of ${all} tensors (${patterns.join(', ')})`];
}
