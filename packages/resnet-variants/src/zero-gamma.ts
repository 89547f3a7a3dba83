import type { Architecture } from '@bag/network';
import { tidy, type Variable, zeros } from '@tensorflow/tfjs-core';
import { blockEnds } from './architecture.js';

/**
 * Zero γ: the last BatchNorm of each residual block starts with γ = 0, so that the block starts as its shortcut and the
 * network as a shallow one. Basic blocks too.
 *
 * @returns How many BatchNorms it changed, of how many.
 * @throws Error where the parameters are another architecture's.
 * Source: He et al. 2018, section 3.1; Goyal et al. 2017, section 5.1.
 * @example
 * zeroGamma(network.architecture, network.parameters); // { changed: 16, of: 53 } for ResNet-50
 */
export function zeroGamma(
  architecture: Pick<Architecture, 'nodes'>,
  parameters: readonly { readonly name: string; readonly role: string; readonly variable: Variable }[],
): { changed: number; of: number } {
  const gammas = new Map(parameters.filter(({ role }) => role === 'gamma').map((gamma) => [gamma.name, gamma]));
  const ends = blockEnds(architecture);
  for (const { name, batchNorm } of ends) {
    const gamma = gammas.get(`${batchNorm}.weight`);
    if (gamma === undefined)
      throw new Error(`zeroGamma: ${name} has no γ among the parameters; give the network's own`);
    tidy(() => gamma.variable.assign(zeros(gamma.variable.shape)));
  }
  return { changed: ends.length, of: gammas.size };
}
