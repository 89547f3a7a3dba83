import type { BadImageError } from './dataset.js';

export interface BadImagesOptions {
  /** Images in all. */
  size: number;
  /** The share of unreadable images that a run puts up with. */
  maxShare?: number;
  /** Whether the first one stops the run. */
  fatal?: boolean;
  /** Hears of each once. */
  onBad?: (error: BadImageError, count: number) => void;
}

/**
 * Names and counts unreadable images, each once, and says when there are too many of them.
 *
 * @example
 * const badImages = new BadImages({ size: dataset.size, onBad: (error) => console.warn(error.message) });
 */
export class BadImages {
  readonly #options: Required<Omit<BadImagesOptions, 'onBad'>> & Pick<BadImagesOptions, 'onBad'>;
  readonly #seen = new Map<string, BadImageError>();

  constructor(options: BadImagesOptions) {
    this.#options = { maxShare: 0.01, fatal: false, ...options };
  }

  get count(): number {
    return this.#seen.size;
  }

  /**
   * Notes an unreadable image.
   * @throws The error itself where it is fatal; Error naming the first ones where their share is too large.
   */
  add(error: BadImageError): void {
    const { size, maxShare, fatal, onBad } = this.#options;
    if (fatal) throw error;
    if (this.#seen.has(error.image)) return;
    this.#seen.set(error.image, error);
    onBad?.(error, this.count);
    if (this.count > maxShare * size) {
      const named = [...this.#seen.values()].slice(0, 3).map(({ image, reason }) => `${image} (${reason})`);
      throw new Error(
        `${this.count} of ${size} images are unreadable, more than ${maxShare * 100} %: ${named.join(', ')}` +
          `${this.count > 3 ? ', …' : ''}; repair or remove them`,
      );
    }
  }
}
