import { sgdUpdate } from '@bag/ops';
import { type Tensor, tensor, tidy, zeros } from '@tensorflow/tfjs-core';
import {
  checkStored,
  type NamedTensors,
  type Parameter,
  type ParameterGroup,
  type StoredTensor,
  storeTensors,
} from './parameter.js';

/** A value for every optimiser step, counted from 0. */
export type Schedule = (step: number) => number;

export interface SgdOptions<P extends Parameter = Parameter> {
  /** Trainable parameters, or groups of them with settings of their own. */
  parameters: readonly P[] | readonly ParameterGroup<P>[];
  /** η, constant or by step. */
  rate: number | Schedule;
  /** μ, 0 ≤ μ < 1. */
  momentum?: number;
  nesterov?: boolean;
  /** λ of the groups that have none of their own. */
  weightDecay?: number;
}

/** What SGD remembers. */
export interface SgdState {
  /** Steps taken, skipped ones included. */
  readonly step: number;
  /** v by parameter name, each of its parameter's shape, float32; owned by the state. */
  readonly velocities: NamedTensors;
}

/** SGD as it lies in a checkpoint. */
export interface StoredSgdState {
  step: number;
  velocities: Record<string, StoredTensor>;
}

/**
 * Stochastic gradient descent with (Nesterov) momentum, as `torch.optim.SGD` defines it:
 * g' = s·g + λ·θ; v ← μ·v + g'; θ ← θ − η(t)·(g' + μ·v) with Nesterov, else θ ← θ − η(t)·v.
 * v starts at 0, so the first step has v = g' in either library.
 *
 * The state is handed in and out; the parameters' variables are assigned. Every update gives each variable a fresh
 * buffer, so what an engine derived from the old weight dies with it.
 *
 * @throws Error where a parameter is listed twice, or none is; TypeError for groups and parameters in one list; RangeError for a momentum outside [0, 1) or a negative
 * decay.
 * Source: Sutskever et al. 2013 for Nesterov's momentum; the form is PyTorch's.
 * @example
 * const optimizer = sgd({ parameters, rate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 1e-4 });
 * let state = optimizer.init();
 * state = optimizer.update(gradients, state);
 */
export function sgd<P extends Parameter>(options: SgdOptions<P>): Sgd<P> {
  return new Sgd(options);
}

/** What `sgd` makes. */
export class Sgd<P extends Parameter = Parameter> {
  readonly groups: readonly Required<ParameterGroup<P>>[];
  readonly #rate: Schedule;
  readonly #momentum: number;
  readonly #nesterov: boolean;

  constructor({ parameters, rate, momentum = 0, nesterov = false, weightDecay = 0 }: SgdOptions<P>) {
    this.groups = groupsOf(parameters, weightDecay);
    this.#rate = typeof rate === 'number' ? () => rate : rate;
    this.#momentum = momentum;
    this.#nesterov = nesterov;
    if (!(momentum >= 0 && momentum < 1)) throw new RangeError(`sgd: expected momentum in [0, 1), got ${momentum}`);
    if (nesterov && momentum === 0) throw new RangeError('sgd: nesterov needs a momentum; 0.9 is usual');
  }

  get parameters(): P[] {
    return this.groups.flatMap(({ parameters }) => parameters);
  }

  /** Velocities of zero at step 0; the state owns them. */
  init(): SgdState {
    const velocities: NamedTensors = {};
    for (const { name, variable } of this.parameters) velocities[name] = zeros(variable.shape);
    return { step: 0, velocities };
  }

  /**
   * η at an optimiser step.
   * @throws RangeError where the schedule gives a negative number or none.
   */
  rateAt(step: number): number {
    const rate = this.#rate(step);
    if (!(rate >= 0 && rate < Infinity)) throw new RangeError(`sgd: expected a rate ≥ 0, got ${rate} at step ${step}`);
    return rate;
  }

  /**
   * Takes one step: assigns every parameter and returns the next state. The old state's velocities are disposed; the
   * gradients stay the caller's.
   *
   * @param gradients By parameter name.
   * @param gradientScale s, which undoes a loss scale.
   * @throws Error naming a parameter whose gradient or velocity is missing or has another shape; nothing has been
   * changed then.
   */
  update(gradients: NamedTensors, state: SgdState, { gradientScale = 1 }: { gradientScale?: number } = {}): SgdState {
    this.#check(gradients, state);
    const rate = this.rateAt(state.step);
    const velocities: NamedTensors = {};
    for (const { parameters, weightDecay, rateScale } of this.groups) {
      for (const { name, variable } of parameters) {
        const [before, gradient] = [state.velocities[name] as Tensor, gradients[name] as Tensor];
        const next = tidy(() =>
          sgdUpdate({
            parameter: variable,
            gradient,
            velocity: before,
            rate: rate * rateScale,
            momentum: this.#momentum,
            nesterov: this.#nesterov,
            weightDecay,
            gradientScale,
          }),
        );
        variable.assign(next.parameter);
        next.parameter.dispose();
        before.dispose();
        velocities[name] = next.velocity;
      }
    }
    return { step: state.step + 1, velocities };
  }

  #check(gradients: NamedTensors, { velocities }: SgdState): void {
    const missing = this.parameters.filter(({ name }) => gradients[name] === undefined).map(({ name }) => name);
    if (missing.length > 0) {
      throw new Error(`sgd: no gradient for ${missing.join(', ')}; give only parameters that the loss depends on`);
    }
    for (const { name, variable } of this.parameters) {
      if (velocities[name] === undefined)
        throw new Error(`sgd: the state does not know ${name}; is it another network's?`);
      for (const [what, tensor] of [
        ['gradient', gradients[name]],
        ['velocity', velocities[name]],
      ] as const) {
        if (tensor?.shape.join() !== variable.shape.join()) {
          const [is, wanted] = [tensor?.shape.join(', ') ?? '', variable.shape.join(', ')];
          throw new Error(`sgd: the ${what} of ${name} has shape [${is}], the parameter [${wanted}]`);
        }
      }
    }
  }

  /** A step without an update: the schedule goes on, nothing else changes. */
  skip({ step, velocities }: SgdState): SgdState {
    return { step: step + 1, velocities };
  }

  /** Frees a state that is no longer needed. */
  dispose({ velocities }: SgdState): void {
    for (const velocity of Object.values(velocities)) velocity.dispose();
  }

  /** The state for a checkpoint: plain numbers and arrays. */
  async store({ step, velocities }: SgdState): Promise<StoredSgdState> {
    return { step, velocities: await storeTensors(velocities) };
  }

  /**
   * The state of a checkpoint; it owns its tensors.
   * @throws Error naming the tensor that does not fit.
   */
  restore({ step, velocities: stored }: StoredSgdState): SgdState {
    checkStored('sgd', stored, this.parameters);
    const velocities: NamedTensors = {};
    for (const [name, { values, shape }] of Object.entries(stored)) velocities[name] = tensor(values, shape);
    return { step, velocities };
  }
}

function groupsOf<P extends Parameter>(
  given: readonly P[] | readonly ParameterGroup<P>[],
  weightDecay: number,
): Required<ParameterGroup<P>>[] {
  const isGroup = (entry: P | ParameterGroup<P>): entry is ParameterGroup<P> => 'parameters' in entry;
  const entries: readonly (P | ParameterGroup<P>)[] = given;
  const bare = entries.filter((entry): entry is P => !isGroup(entry));
  if (bare.length > 0 && bare.length < entries.length) {
    throw new TypeError('sgd: expected parameters or groups of parameters, got both in one list');
  }
  const groups: readonly ParameterGroup<P>[] = entries.every(isGroup) ? entries : [{ parameters: bare }];
  const seen = new Set<string>();
  for (const { parameters, weightDecay: own = weightDecay } of groups) {
    if (!(own >= 0)) throw new RangeError(`sgd: expected a weight decay ≥ 0, got ${own}`);
    for (const { name } of parameters) {
      if (seen.has(name)) throw new Error(`sgd: ${name} is listed twice; give each parameter to one group`);
      seen.add(name);
    }
  }
  if (seen.size === 0) throw new Error('sgd: no parameters; give those of a network');
  return groups.map(({ parameters, weightDecay: own = weightDecay, rateScale = 1 }) => ({
    parameters,
    weightDecay: own,
    rateScale,
  }));
}
