import type { Architecture } from './architecture.js';
import { type Initializer, kaimingNormal, xavierUniform } from './initializers.js';
import { Network } from './network.js';
import { createParameters, type Parameter } from './parameters.js';

export interface CreateOptions {
  /** How weights start: `'xavier'` as the paper, `'kaiming'` as torchvision's convolutions, or a function of one's own. */
  initializer?: 'xavier' | 'kaiming' | Initializer;
  /** Uniform numbers in [0, 1) for the initial weights. */
  random: () => number;
  /** What else happens to the fresh parameters; its lines become the network's notes. */
  prepare?: (parameters: readonly Parameter[]) => string[];
}

/**
 * An architecture with fresh weights.
 *
 * @returns A network whose variables the caller owns and frees by `dispose()`.
 * @throws RangeError for an initializer that is none.
 * @example
 * const network = createNetwork(architecture, { random: createRandom({ seed: 0, purpose: 'weights' }) });
 */
export function createNetwork(
  architecture: Architecture,
  { initializer = 'xavier', random, prepare }: CreateOptions,
): Network {
  const parameters = createParameters(architecture, initializerOf(architecture, initializer), random);
  return new Network(architecture, parameters, prepare?.(parameters) ?? []);
}

function initializerOf({ name }: Architecture, initializer: 'xavier' | 'kaiming' | Initializer): Initializer {
  if (typeof initializer === 'function') return initializer;
  if (initializer === 'xavier') return xavierUniform;
  if (initializer === 'kaiming') return kaimingNormal;
  throw new RangeError(
    `${name}: expected initializer xavier, kaiming or a function, got ${JSON.stringify(initializer)}`,
  );
}
