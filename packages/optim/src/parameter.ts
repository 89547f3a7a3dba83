import type { Tensor, Variable } from '@tensorflow/tfjs-core';

/** What an optimiser must know of a parameter. */
export interface Parameter {
  readonly name: string;
  /** The fp32 master value. */
  readonly variable: Variable;
}

/** Parameters that are treated alike. */
export interface ParameterGroup<P extends Parameter = Parameter> {
  parameters: P[];
  /** λ of this group; the optimiser's by default. */
  weightDecay?: number;
  /** Multiplies the learning rate of this group. */
  rateScale?: number;
}

/** Tensors by parameter name. */
export type NamedTensors = Record<string, Tensor>;

/** A tensor's values outside of any engine, as checkpoints hold them. */
export interface StoredTensor {
  shape: number[];
  values: Float32Array;
}

/** Reads tensors for a checkpoint; the tensors stay the caller's. */
export async function storeTensors(tensors: NamedTensors): Promise<Record<string, StoredTensor>> {
  const stored: Record<string, StoredTensor> = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    stored[name] = { shape: tensor.shape, values: (await tensor.data()) as Float32Array };
  }
  return stored;
}

/**
 * Checks that a checkpoint holds one tensor for each parameter, of its shape, and no other.
 * @throws Error naming the first that is missing, superfluous or of another shape.
 */
export function checkStored(
  what: string,
  stored: Record<string, StoredTensor>,
  parameters: readonly Parameter[],
): void {
  const known = new Set(parameters.map(({ name }) => name));
  const extra = Object.keys(stored).find((name) => !known.has(name));
  if (extra !== undefined) throw new Error(`${what}: ${extra} is no parameter of this network; is it another model's?`);
  for (const { name, variable } of parameters) {
    const shape = stored[name]?.shape;
    if (shape === undefined) throw new Error(`${what}: ${name} is missing; is it another model's?`);
    if (shape.join() !== variable.shape.join()) {
      throw new Error(
        `${what}: ${name} has shape [${shape.join(', ')}], the network's has [${variable.shape.join(', ')}]`,
      );
    }
  }
}
