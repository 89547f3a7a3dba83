import type { Network } from '@bag/network';
import type { Config } from './config/schema.js';
import { buildNetwork, freezeParts } from './network.js';
import { shownPath } from './paths.js';
import { storedWeights } from './run.js';
import { assignWeights } from './weights.js';

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
    notes.push(...freezeParts(network, config.freeze));
    return { network, notes };
  } catch (error) {
    network.dispose();
    throw error;
  }
}

async function initialise(network: Network, path: string, { zeroGamma, normalization }: Config): Promise<string[]> {
  const { weights, run } = await storedWeights(path);
  const { notes, head } = assignWeights(network, weights, path, { replaceHead: true });
  const lines = [`weights from ${shownPath(path)}`, ...notes];
  if (head !== undefined) {
    lines.push(
      `the head is new: ${network.architecture.head.name} has ${head.stored} classes in the weights, the data ${head.expected}`,
    );
  }
  if (zeroGamma) lines.push('zero-γ: off, the weights have their own γ');
  const theirs = run?.config.normalization ?? 'torchvision';
  if (network.architecture.family === 'imagenet' && theirs !== normalization) {
    const whose = run === undefined ? 'weights of torchvision, timm and gluon want' : 'the run was trained with';
    lines.push(`warning: normalization is ${normalization}; ${whose} ${theirs} (--set normalization=${theirs})`);
  }
  return lines;
}
