import type { Architecture, Network, Parameter } from '@bag/network';
import { loadParameters } from '@bag/trainer';
import { type FittedWeights, fitWeights, type FitOptions, readWeights, type Weights } from '@bag/weights';
import { readFile, stat } from 'node:fs/promises';
import { UsageError } from './errors.js';

/**
 * Reads a file of weights: safetensors, a PyTorch state dict, MXNet's `.params`.
 * @throws UsageError naming the file, and what it is instead.
 */
export async function readWeightsFile(path: string): Promise<Weights> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true) throw new UsageError(`${path} is no file; give weights, or the folder of a run`);
  try {
    return readWeights(await readFile(path));
  } catch (error) {
    throw new UsageError(`${path}: ${(error as Error).message}`);
  }
}

/** The parameters of a network, whether or not there are variables for them. */
type Target = Pick<Architecture, 'head'> & { parameters: readonly Omit<Parameter, 'variable'>[] };

/**
 * The tensors of a file as a network has them, all of them or none.
 * @param path Names the file in errors.
 * @throws UsageError listing the names that differ.
 */
export function fittedWeights(
  { parameters, head }: Target,
  { tensors, layout, notes }: Weights,
  path: string,
  options: Pick<FitOptions, 'replaceHead'> = {},
): FittedWeights {
  try {
    const fitted = fitWeights(tensors, parameters, { layout, head: head.name, ...options });
    return { ...fitted, notes: [...notes, ...fitted.notes] };
  } catch (error) {
    throw new UsageError(`${path}: ${(error as Error).message}`);
  }
}

/**
 * Gives a network the weights of a file.
 * @returns What was done on the way, a line each.
 * @throws UsageError listing the names that differ; the network is as it was then.
 */
export function assignWeights(network: Network, weights: Weights, path: string): string[] {
  const { architecture, parameters } = network;
  const { tensors, notes } = fittedWeights({ parameters, head: architecture.head }, weights, path);
  loadParameters(network, tensors);
  return notes;
}
