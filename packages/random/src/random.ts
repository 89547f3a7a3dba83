import { beta, integer, normal, permutation } from './distributions.js';
import { type Block, philox4x32 } from './philox.js';

export interface RandomOptions {
  /** The run's seed: a whole number from 0 to 2⁵³ − 1. */
  seed: number;
  /** What the numbers are for, such as `'shuffle'` or `'augment'`; each purpose has a stream of its own. */
  purpose: string;
  /** Epoch, from 0 to 2³² − 1. */
  epoch?: number;
  /** Example, step or whatever is numbered within the epoch, from 0 to 2³² − 1. */
  index?: number;
}

/** A stream of random numbers. Calling it gives the next uniform number in [0, 1), a multiple of 2⁻⁵³. */
export interface Random {
  (): number;
  /** The next standard normal number. */
  normal: () => number;
  /** The next number from Beta(α, β); β = α by default. */
  beta: (alpha: number, beta?: number) => number;
  /** The next integer in {0, …, n − 1}. */
  integer: (n: number) => number;
  /** A permutation of 0 … n − 1. */
  permutation: (n: number) => Uint32Array;
}

/**
 * The stream of random numbers of (seed, purpose, epoch, index), and of nothing else: neither of other streams nor of
 * the order in which they are used. The words of Philox4x32-10's counter are (block, hash of the purpose, epoch,
 * index), and its key is the seed.
 *
 * @returns A function that gives uniform numbers in [0, 1), with the other distributions as its methods.
 * @throws RangeError where seed, epoch or index is not a whole number of its range.
 * @example
 * const random = createRandom({ seed: 7, purpose: 'augment', epoch: 2, index: 1234 });
 * const flip = random() < 0.5;
 * const top = random.integer(9);
 */
export function createRandom({ seed, purpose, epoch = 0, index = 0 }: RandomOptions): Random {
  requireWhole('seed', seed, Number.MAX_SAFE_INTEGER);
  requireWhole('epoch', epoch, 0xffffffff);
  requireWhole('index', index, 0xffffffff);
  const key = [seed >>> 0, Math.floor(seed / 2 ** 32)] as const;
  const stream = hash(purpose);
  let blocks = 0;
  let block: Block = [0, 0, 0, 0];
  let half = 2;
  const uniform = (): number => {
    if (half === 2) {
      block = philox4x32([blocks++, stream, epoch, index], key);
      half = 0;
    }
    const high = half === 0 ? block[0] : block[2];
    const low = half === 0 ? block[1] : block[3];
    half++;
    return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
  };
  return Object.assign(uniform, {
    normal: () => normal(uniform),
    beta: (a: number, b?: number) => beta(uniform, a, b),
    integer: (n: number) => integer(uniform, n),
    permutation: (n: number) => permutation(uniform, n),
  });
}

function requireWhole(name: string, value: number, largest: number): void {
  if (!Number.isSafeInteger(value) || value < 0 || value > largest) {
    throw new RangeError(`createRandom: expected a whole ${name} from 0 to ${largest}, got ${value}`);
  }
}

/** FNV-1a, 32 bit, over UTF-16 code units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
