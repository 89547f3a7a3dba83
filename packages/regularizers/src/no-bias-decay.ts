/** What the trick must know of a parameter. */
export interface DecayParameter {
  /** What the parameter is for, such as `weight`, `bias`, `gamma` or `beta`; unknown roles go by rank. */
  readonly role?: string;
  readonly shape: readonly number[];
}

/** Parameters that share a weight decay. */
export interface DecayGroup<P> {
  parameters: P[];
  weightDecay: number;
}

const undecayed = new Set(['bias', 'gamma', 'beta']);
const statistics = new Set(['runningMean', 'runningVariance']);

/**
 * No bias decay: weight decay for the weights of convolutions and dense layers only, none for biases, γ and β. A
 * parameter is a weight if its role says so, or, where it has none, if its rank is at least 2.
 *
 * @param parameters Trainable parameters; running statistics are left out, since no optimiser updates them.
 * @returns Two groups for an optimiser: the weights with λ, the rest with 0; a group may be empty.
 * @throws RangeError for a λ that is negative or not finite.
 * Source: Jia et al. 2018; He et al. 2018, section 3.1.
 * @example
 * const [weights, rest] = noBiasDecay(network.parameters, { weightDecay: 1e-4 });
 */
export function noBiasDecay<P extends DecayParameter>(
  parameters: readonly P[],
  { weightDecay }: { weightDecay: number },
): [DecayGroup<P>, DecayGroup<P>] {
  if (!(weightDecay >= 0 && weightDecay < Infinity))
    throw new RangeError(`noBiasDecay: expected weightDecay ≥ 0 and finite, got ${weightDecay}`);
  const trainable = parameters.filter(({ role }) => role === undefined || !statistics.has(role));
  const decays = ({ role, shape }: P) => {
    if (role === 'weight') return true;
    if (role !== undefined && undecayed.has(role)) return false;
    return shape.length >= 2;
  };
  return [
    { parameters: trainable.filter(decays), weightDecay },
    { parameters: trainable.filter((parameter) => !decays(parameter)), weightDecay: 0 },
  ];
}
