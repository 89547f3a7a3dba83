import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { BadImageError } from '../dataset.js';
import type { RawImage } from '../image.js';

export interface DecodeOptions {
  /** Shrinks or grows the shorter edge to this many pixels and keeps the square in the middle. */
  squareSize?: number | undefined;
}

/** A file's path, or its bytes under a name. */
export type EncodedImage = string | { name: string; bytes: Uint8Array };

type Answer =
  { id: number; data: Uint8Array; height: number; width: number } | { id: number; reason: string; truncated: boolean };

/**
 * What each thread runs. As text, so that one file serves the ESM build, the CJS build and a bundle alike. The pixels
 * are as stored: no orientation by EXIF, as torchvision has it.
 */
const program = `
const { parentPort, workerData } = require('node:worker_threads');
const sharp = require(workerData.sharp);
sharp.cache(false);
sharp.concurrency(1);
parentPort.on('message', async ({ id, source, squareSize }) => {
  try {
    let image = sharp(source, { failOn: 'truncated' }).toColourspace('srgb').removeAlpha();
    if (squareSize) image = image.resize(squareSize, squareSize, { fit: 'cover', kernel: 'linear' });
    const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    const rgb = info.channels === 3 ? new Uint8Array(data) : Uint8Array.from({ length: 3 * data.length }, (_, i) => data[Math.floor(i / 3)]);
    parentPort.postMessage({ id, data: rgb, height: info.height, width: info.width }, [rgb.buffer]);
  } catch (error) {
    const truncated = await sharp(source, { failOn: 'none' }).stats().then(() => true, () => false);
    parentPort.postMessage({ id, reason: String(error.message).split('\\n')[0], truncated });
  }
});
`;

/**
 * Decodes image files to 8-bit RGB in worker threads.
 *
 * @example
 * const decoder = new Decoder(2);
 * const image = await decoder.decode('cat.jpg');
 * await decoder.close();
 */
export class Decoder {
  readonly #workers: Worker[];
  readonly #waiting = new Map<number, { name: string; settle: (answer: Answer | Error) => void }>();
  #next = 0;

  constructor(threads: number) {
    const sharp = createRequire(import.meta.url).resolve('sharp');
    const start = (place: number): Worker => {
      const worker = new Worker(program, { eval: true, workerData: { sharp } });
      worker.on('message', (answer: Answer) => this.#settle(answer.id, answer));
      worker.on('error', (error: Error) => {
        this.#fail(error);
        this.#workers[place] = start(place);
      });
      // Idle threads keep no process alive; those that are waited for do.
      worker.unref();
      return worker;
    };
    this.#workers = Array.from({ length: Math.max(1, threads) }, (_, place) => start(place));
  }

  /**
   * Decodes one image.
   * @throws BadImageError naming the file and the reason.
   */
  decode(image: EncodedImage, { squareSize }: DecodeOptions = {}): Promise<RawImage> {
    const [name, source] = typeof image === 'string' ? [image, image] : [image.name, image.bytes];
    const id = this.#next++;
    const worker = this.#workers[id % this.#workers.length] as Worker;
    worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, {
        name,
        settle: (answer) => {
          if (answer instanceof Error) reject(answer);
          else if ('reason' in answer) reject(new BadImageError(name, answer.reason, answer.truncated));
          else resolve({ data: answer.data, height: answer.height, width: answer.width });
        },
      });
      worker.postMessage({ id, source, squareSize });
    });
  }

  #settle(id: number, answer: Answer | Error): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) for (const worker of this.#workers) worker.unref();
    waiting?.settle(answer);
  }

  #fail(error: Error): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id, error);
  }

  /** Ends the threads; what is still being decoded is rejected. */
  async close(): Promise<void> {
    this.#fail(new Error('the decoder was closed before the image was decoded'));
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

/**
 * Decodes one image file to 8-bit RGB.
 * @throws BadImageError naming the file and the reason.
 * @example
 * const { data, height, width } = await decodeImage('cat.jpg');
 */
export async function decodeImage(path: string, options: DecodeOptions = {}): Promise<RawImage> {
  const decoder = new Decoder(1);
  try {
    return await decoder.decode(path, options);
  } finally {
    await decoder.close();
  }
}
