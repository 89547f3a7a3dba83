import type { Network } from '@bag/network';
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

/**
 * Gives a network the weights of a file, all of them or none.
 * @param path Names the file in errors.
 * @returns What was done on the way, a line each.
 * @throws UsageError listing the names that differ.
 */
export function assignWeights(
  network: Network,
  { tensors, layout, notes }: Weights,
  path: string,
  options: Pick<FitOptions, 'replaceHead'> = {},
): { notes: string[]; head?: FittedWeights['head'] } {
  const { architecture, parameters } = network;
  let fitted: FittedWeights;
  try {
    fitted = fitWeights(tensors, parameters, { layout, head: architecture.head.name, ...options });
    const fresh = parameters.filter(({ name }) => fitted.tensors[name] === undefined).map(({ name }) => name);
    loadParameters({ parameters: parameters.filter(({ name }) => !fresh.includes(name)) }, fitted.tensors);
  } catch (error) {
    throw new UsageError(`${path}: ${(error as Error).message}`);
  }
  return { notes: [...notes, ...fitted.notes], ...(fitted.head && { head: fitted.head }) };
}
