import { tensor, tidy } from '@tensorflow/tfjs';
import type { Network } from './types.js';

/** A tensor outside of any engine: values in row-major order. */
export interface StoredTensor {
  shape: number[];
  values: Float32Array;
}

/**
 * All parameters of a network, running statistics included, for a checkpoint.
 *
 * @example
 * const stored = await storeParameters(network);
 */
export async function storeParameters({
  parameters,
}: Pick<Network, 'parameters'>): Promise<Record<string, StoredTensor>> {
  const stored: Record<string, StoredTensor> = {};
  for (const { name, shape, variable } of parameters) {
    stored[name] = { shape, values: (await variable.data()) as Float32Array };
  }
  return stored;
}

/**
 * Gives a network the parameters of a checkpoint.
 * @throws Error naming the first parameter that is missing, superfluous or of another shape; nothing has changed then.
 * @example
 * loadParameters(network, await readSafetensors('model.safetensors'));
 */
export function loadParameters(
  { parameters }: Pick<Network, 'parameters'>,
  stored: Record<string, StoredTensor>,
): void {
  const known = new Set(parameters.map(({ name }) => name));
  const extra = Object.keys(stored).find((name) => !known.has(name));
  if (extra !== undefined)
    throw new Error(`the weights hold ${extra}, which the network lacks; are they another model's?`);
  for (const { name, shape } of parameters) {
    const found = stored[name]?.shape;
    if (found === undefined) throw new Error(`the weights lack ${name}; are they another model's?`);
    if (found.join() !== shape.join()) {
      throw new Error(`${name} has shape [${found.join(', ')}] in the weights, [${shape.join(', ')}] in the network`);
    }
  }
  tidy(() => {
    for (const { name, variable } of parameters) {
      const { values, shape } = stored[name] as StoredTensor;
      variable.assign(tensor(values, shape));
    }
  });
}
