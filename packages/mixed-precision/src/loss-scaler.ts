/** What a scaler remembers; plain data for a checkpoint. */
export interface LossScalerState {
  /** Multiplies the loss. */
  readonly scale: number;
  /** Steps without overflow since the scale last changed. */
  readonly goodSteps: number;
}

export interface LossScaler {
  init(): LossScalerState;
  /** The state after a step whose gradients were all finite, or not. */
  update(state: LossScalerState, finite: boolean): LossScalerState;
  /** Whether an overflow can still be answered by a smaller scale; if not, the run should stop. */
  canBackOff(state: LossScalerState): boolean;
}

export interface LossScalerOptions {
  /** The first scale. */
  init?: number;
  /** Multiplies the scale after `growthInterval` good steps. */
  growthFactor?: number;
  /** Multiplies the scale after an overflow. */
  backoffFactor?: number;
  /** Good steps in a row before the scale grows. */
  growthInterval?: number;
  /** The scale does not fall below; there an overflow means that something else is wrong. */
  min?: number;
}

/**
 * A dynamic loss scale, as PyTorch's `GradScaler` keeps it: ×2 after 2000 good steps in a row, ×½ and a skipped step
 * where a gradient is not finite.
 *
 * @throws RangeError for factors that do not grow or shrink.
 * Source: Micikevicius et al. 2017, section 3.2; the numbers are PyTorch's.
 * @example
 * const scaler = lossScaler();
 * let state = scaler.init(); // { scale: 65536, goodSteps: 0 }
 * state = scaler.update(state, await allFinite(gradients));
 */
export function lossScaler({
  init = 65536,
  growthFactor = 2,
  backoffFactor = 0.5,
  growthInterval = 2000,
  min = 2 ** -14,
}: LossScalerOptions = {}): LossScaler {
  requirePositive('init', init);
  requirePositive('min', min);
  if (init < min) throw new RangeError(`lossScaler: expected init ≥ min (${min}), got ${init}`);
  if (!(growthFactor > 1)) throw new RangeError(`lossScaler: expected growthFactor > 1, got ${growthFactor}`);
  if (!(backoffFactor > 0 && backoffFactor < 1)) {
    throw new RangeError(`lossScaler: expected backoffFactor in (0, 1), got ${backoffFactor}`);
  }
  if (!(Number.isInteger(growthInterval) && growthInterval > 0)) {
    throw new RangeError(`lossScaler: expected a whole growthInterval ≥ 1, got ${growthInterval}`);
  }
  return {
    init: () => ({ scale: init, goodSteps: 0 }),
    update: ({ scale, goodSteps }, finite) => {
      // In single precision, as the loss it multiplies.
      if (!finite) return { scale: Math.max(Math.fround(scale * backoffFactor), min), goodSteps: 0 };
      if (goodSteps + 1 < growthInterval) return { scale, goodSteps: goodSteps + 1 };
      const grown = Math.fround(scale * growthFactor);
      return { scale: Number.isFinite(grown) ? grown : scale, goodSteps: 0 };
    },
    canBackOff: ({ scale }) => scale > min,
  };
}

/**
 * A loss scale that never changes; 128 to 1024 serve most networks in fp16.
 * @throws RangeError where it is not positive.
 * @example
 * staticLossScaler(128).init(); // { scale: 128, goodSteps: 0 }
 */
export function staticLossScaler(scale: number): LossScaler {
  requirePositive('scale', scale);
  return { init: () => ({ scale, goodSteps: 0 }), update: (state) => state, canBackOff: () => false };
}

function requirePositive(name: string, value: number): void {
  if (!(value > 0 && value < Infinity)) throw new RangeError(`lossScaler: expected ${name} > 0, got ${value}`);
}
