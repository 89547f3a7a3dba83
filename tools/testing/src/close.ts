import { expect } from 'vitest';

export interface Tolerance {
  /** Largest |actual − expected| allowed, besides the relative part. */
  absolute?: number;
  /** Largest |actual − expected| / |expected| allowed. */
  relative?: number;
}

/** Asserts |actual − expected| ≤ absolute + relative·|expected| element by element; NaN and ±∞ must match exactly. */
export function expectAllClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { absolute = 0, relative = 0 }: Tolerance = {},
  name = 'element',
): void {
  expect(actual.length, 'number of elements').toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i] as number;
    const e = expected[i] as number;
    if (Object.is(a, e)) continue;
    const allowed = absolute + relative * Math.abs(e);
    if (!(Math.abs(a - e) <= allowed)) {
      expect.fail(`${name} ${i}: ${a} differs from ${e} by ${Math.abs(a - e)}, allowed ${allowed}`);
    }
  }
}

/**
 * ‖actual − expected‖₂ / ‖size‖₂: the norm-wise error of one tensor, by default in units of the expected one. Where terms
 * cancel, `size` is what they add up to without their signs.
 */
export function relativeError(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  size: ArrayLike<number> = expected,
): number {
  expect(actual.length, 'number of elements').toBe(expected.length);
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += ((actual[i] as number) - (expected[i] as number)) ** 2;
    norm += (size[i] as number) ** 2;
  }
  return Math.sqrt(difference) / Math.max(Math.sqrt(norm), Number.MIN_VALUE);
}
