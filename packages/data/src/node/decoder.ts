import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { BadImageError, type LoadOptions } from '../dataset.js';
import type { RawImage } from '../image.js';
import { workerProgram } from './worker.generated.js';
import type { Answer, DecodeOptions, Job } from './worker/messages.js';

export type { DecodeOptions, Orientation } from './worker/messages.js';

/** A file's path, or its bytes under a name. */
export type EncodedImage = string | { name: string; bytes: Uint8Array };

/** Jobs that a thread has at a time: the one it works on, and the next, so that it does not wait for this thread. */
const jobsAtOnce = 2;

interface Waiting {
  name: string;
  job: Job;
  settle: (answer: Answer | Error) => void;
}

/** A thread's place; the thread starts with its first job, and anew after it died. */
interface Seat {
  worker: Worker | undefined;
  jobs: Map<number, Waiting>;
}

/**
 * Decodes images to 8-bit RGB in worker threads, or does all that a batch needs of them. JPEG files of the usual kind are
 * decoded by this package (pixels equal libjpeg's), all others by sharp. Each image goes to the thread that has the least
 * to do.
 *
 * @example
 * const decoder = new Decoder(2);
 * const image = await decoder.decode('cat.jpg');
 * await decoder.close();
 */
export class Decoder {
  readonly #program: string;
  readonly #seats: Seat[];
  readonly #queue: Waiting[] = [];
  #next = 0;

  /** @param program What each thread runs: this package's own. */
  constructor(threads: number, program = workerProgram) {
    this.#program = program;
    this.#seats = Array.from({ length: Math.max(1, threads) }, () => ({ worker: undefined, jobs: new Map() }));
  }

  /**
   * Decodes one image.
   * @throws BadImageError naming the file and the reason.
   */
  async decode(image: EncodedImage, options: DecodeOptions = {}): Promise<RawImage> {
    const answer = await this.#ask(image, { options });
    if (answer.kind !== 'decoded') throw new Error('the thread gave a wrong answer');
    return { data: answer.data, height: answer.height, width: answer.width };
  }

  /**
   * Decodes, transforms and normalises the image of a number. Shared memory is written by the thread itself.
   * @throws BadImageError naming the file and the reason.
   */
  async load(
    image: EncodedImage,
    { index, ...load }: LoadOptions & { index: number },
    into: Float32Array,
    options: DecodeOptions = {},
  ): Promise<void> {
    const isShared = into.buffer instanceof SharedArrayBuffer;
    const written = isShared ? into : new Float32Array(new SharedArrayBuffer(into.byteLength));
    await this.#ask(image, { options, load: { ...load, index, into: written } });
    if (!isShared) into.set(written);
  }

  #ask(image: EncodedImage, rest: Omit<Job, 'id' | 'source'>): Promise<Answer> {
    const [name, source] = typeof image === 'string' ? [image, image] : [image.name, image.bytes];
    return new Promise((resolve, reject) => {
      const settle = (answer: Answer | Error) => {
        if (answer instanceof Error) reject(answer);
        else if (answer.kind === 'bad') reject(new BadImageError(name, answer.reason, answer.truncated));
        else if (answer.kind === 'failed') reject(new Error(`${name}: ${answer.reason}`));
        else resolve(answer);
      };
      this.#queue.push({ name, job: { id: this.#next++, source, ...rest }, settle });
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const seat = this.#seats.reduce((least, one) => (one.jobs.size < least.jobs.size ? one : least));
      if (seat.jobs.size >= jobsAtOnce) return;
      const waiting = this.#queue.shift() as Waiting;
      seat.worker ??= this.#start(seat);
      // Idle threads keep no process alive; those that are waited for do.
      seat.worker.ref();
      seat.jobs.set(waiting.job.id, waiting);
      seat.worker.postMessage(waiting.job);
    }
  }

  #start(seat: Seat): Worker {
    const sharp = createRequire(import.meta.url).resolve('sharp');
    const worker = new Worker(this.#program, { eval: true, workerData: { sharp } });
    worker.on('message', (answer: Answer) => {
      const waiting = seat.jobs.get(answer.id);
      seat.jobs.delete(answer.id);
      if (seat.jobs.size === 0) worker.unref();
      waiting?.settle(answer);
      this.#dispatch();
    });
    const ended = (reason: string) => {
      if (seat.worker !== worker) return;
      seat.worker = undefined;
      // The image that it worked on is lost; the one behind it is not to blame.
      const [lost, ...others] = seat.jobs.values();
      seat.jobs.clear();
      this.#queue.unshift(...others);
      lost?.settle(new Error(`the thread that decoded ${lost.name} died: ${reason}`));
      this.#dispatch();
    };
    worker.on('error', (error: Error) => ended(error.message));
    worker.on('exit', (code) => ended(`exit code ${code}`));
    return worker;
  }

  /** Ends the threads; what is still being decoded is rejected. */
  async close(): Promise<void> {
    const lost = [...this.#queue.splice(0), ...this.#seats.flatMap(({ jobs }) => [...jobs.values()])];
    const workers = this.#seats.flatMap(({ worker }) => (worker === undefined ? [] : [worker]));
    for (const seat of this.#seats) {
      seat.worker = undefined;
      seat.jobs.clear();
    }
    const error = new Error('the decoder was closed before the image was decoded');
    for (const { settle } of lost) settle(error);
    await Promise.all(workers.map((worker) => worker.terminate()));
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
