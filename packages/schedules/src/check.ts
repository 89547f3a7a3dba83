type Options = Readonly<Record<string, unknown>>;

function check(owner: string, options: Options, expected: string, test: (value: number) => boolean): void {
  for (const [name, value] of Object.entries(options)) {
    if (typeof value !== 'number' || !test(value)) {
      throw new RangeError(`${owner}: expected ${name} to be ${expected}, got ${String(value)}`);
    }
  }
}

/** Finite and not negative: a rate. */
export function checkRates(owner: string, options: Options): void {
  check(owner, options, 'a finite number ≥ 0', (value) => value >= 0 && value < Infinity);
}

/** Finite and more than zero: a factor or a divisor. */
export function checkPositive(owner: string, options: Options): void {
  check(owner, options, 'a finite number > 0', (value) => value > 0 && value < Infinity);
}

/** An integer of at least `least`: a number of steps or examples. */
export function checkCounts(owner: string, options: Options, least = 0): void {
  check(owner, options, `an integer ≥ ${least}`, (value) => Number.isSafeInteger(value) && value >= least);
}
