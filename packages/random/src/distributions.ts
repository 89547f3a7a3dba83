/** A source of uniform numbers in [0, 1). */
export type Uniform = () => number;

/**
 * A standard normal number: √(−2 ln u₁)·cos(2πu₂) (Box and Muller, 1958). Takes exactly two uniform numbers.
 *
 * @example normal(createRandom({seed: 1, purpose: 'example'}));
 */
export function normal(random: Uniform): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return radius * Math.cos(2 * Math.PI * random());
}

/**
 * A number from Beta(α, β), by Jöhnk's method (1964) where α, β ≤ 1 and by two Gamma numbers elsewhere. Both work in
 * logarithms, so that small parameters, whose numbers crowd at 0 and 1, give neither NaN nor 0/0.
 *
 * @param random A source of uniform numbers in [0, 1).
 * @param alpha α > 0.
 * @param beta β > 0; α by default.
 * @returns A number in [0, 1], with mean α/(α + β).
 * @throws RangeError where a parameter is not positive and finite.
 * @example beta(createRandom({seed: 1, purpose: 'mixup'}), 0.2);
 */
export function beta(random: Uniform, alpha: number, beta = alpha): number {
  for (const [name, value] of Object.entries({ alpha, beta })) {
    if (!(value > 0 && value < Infinity)) {
      throw new RangeError(`beta: expected ${name} > 0 and finite, got ${value}; for no mixing at all, draw no number`);
    }
  }
  if (alpha <= 1 && beta <= 1) return johnk(random, alpha, beta);
  return logistic(logGamma(random, alpha) - logGamma(random, beta));
}

function johnk(random: Uniform, alpha: number, beta: number): number {
  for (;;) {
    const logX = Math.log(1 - random()) / alpha;
    const logY = Math.log(1 - random()) / beta;
    if (Math.exp(logX) + Math.exp(logY) <= 1) return logistic(logX - logY);
  }
}

/** The logarithm of a Gamma(shape, 1) number: Marsaglia and Tsang (2000), boosted below 1. */
function logGamma(random: Uniform, shape: number): number {
  if (shape < 1) return logGamma(random, shape + 1) + Math.log(1 - random()) / shape;
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return Math.log(d * v);
  }
}

/** x/(x + y) from log x − log y. */
function logistic(logOdds: number): number {
  return 1 / (1 + Math.exp(-logOdds));
}

/**
 * An integer uniform in {0, …, n − 1}: ⌊n·u⌋.
 *
 * @throws RangeError where n is not a whole number of at least 1.
 * @example integer(createRandom({seed: 1, purpose: 'crop'}), 9);
 */
export function integer(random: Uniform, n: number): number {
  if (!Number.isSafeInteger(n) || n < 1) throw new RangeError(`integer: expected a whole n ≥ 1, got ${n}`);
  return Math.floor(random() * n);
}

/**
 * A permutation of 0 … n − 1, each of the n! equally likely (Fisher and Yates; Durstenfeld 1964).
 *
 * @throws RangeError where n is not a whole number of at least 0.
 * @example permutation(createRandom({seed: 1, purpose: 'shuffle', epoch: 3}), 50_000);
 */
export function permutation(random: Uniform, n: number): Uint32Array {
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`permutation: expected a whole n ≥ 0, got ${n}`);
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const swapped = order[i] as number;
    order[i] = order[j] as number;
    order[j] = swapped;
  }
  return order;
}
