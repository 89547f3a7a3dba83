/** Options by name, as they came. */
export type Options = Readonly<Record<string, unknown>>;

/**
 * Asserts that `numbers` are finite and ≥ 0, and `counts` integers ≥ `least`. One function and one message for all: the
 * whole package is to stay under 3 kB.
 */
export function check(owner: string, numbers: Options, counts: Options = {}, least = 0): void {
  for (const [name, value] of Object.entries({ ...numbers, ...counts }) as [string, number][]) {
    const count = name in counts;
    const bound = count ? least : 0;
    // Both are false for what is no number at all, which JavaScript callers may pass.
    if (!Number[count ? 'isInteger' : 'isFinite'](value) || value < bound) {
      throw new RangeError(`${owner}: expected ${count ? 'integer' : 'finite'} ${name} >= ${bound}, got ${value}`);
    }
  }
}
