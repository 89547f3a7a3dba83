import { readFile } from 'node:fs/promises';
import { parseSafetensors, safetensorsParts } from '@bag/weights';
import { writeFileAtomically } from './atomic.js';
import type { StoredTensor } from '../parameters.js';

/**
 * Writes fp32 tensors in the safetensors format, in the given order. The file appears whole or not at all.
 *
 * @throws Error naming a tensor whose values do not fill its shape.
 * @example
 * await writeSafetensors('model.safetensors', await storeParameters(network));
 */
export async function writeSafetensors(
  path: string,
  tensors: Record<string, StoredTensor>,
  metadata: Record<string, string> = {},
): Promise<void> {
  await writeFileAtomically(path, safetensorsParts(tensors, metadata));
}

/**
 * Reads a safetensors file; tensors of another dtype than F32 as fp32.
 * @throws Error naming the file and the tensor where the header lies or the data is cut off; nothing is half-read.
 * @example
 * loadParameters(network, await readSafetensors('model.safetensors'));
 */
export async function readSafetensors(path: string): Promise<Record<string, StoredTensor>> {
  const bytes = await readFile(path);
  try {
    return parseSafetensors(bytes).tensors;
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}
