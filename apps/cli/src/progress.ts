import { Presets, SingleBar } from 'cli-progress';
import { duration } from './duration.js';

/** Shows how far long work has come: a bar on a terminal, plain lines elsewhere, both on standard error. */
export interface Progress {
  /**
   * @param total In any unit that grows evenly with time.
   * @param done What was done before the clock starts.
   */
  start(total: number, done?: number): void;
  /** @param done In the same unit. */
  update(done: number, text: string): void;
  /** Says something that stays. */
  line(text: string): void;
  stop(): void;
}

let quiet = false;

/** From now on no progress is shown, and nothing is said besides results and errors. */
export function silence(): void {
  quiet = true;
}

/** Says a line on standard error, unless nothing is to be said. */
export function say(text: string): void {
  if (!quiet) console.error(text);
}

/** Runs work that shows its progress. However it ends, the bar ends too: a running one would keep the process alive. */
export async function withProgress<T>(
  work: (progress: Progress) => Promise<T>,
  stream: NodeJS.WriteStream = process.stderr,
): Promise<T> {
  const progress = quiet ? silent : stream.isTTY ? new Bar(stream) : new Lines(stream);
  try {
    return await work(progress);
  } finally {
    progress.stop();
  }
}

class Bar implements Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #bar: SingleBar;
  #running = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#bar = new SingleBar(
      {
        stream,
        format: '{bar} {percentage} %, {eta_formatted} left  {text}',
        hideCursor: true,
        clearOnComplete: true,
        etaBuffer: 40,
        fps: 5,
        linewrap: false,
        // What matters fits into 80 columns.
        barsize: stream.columns < 120 ? 10 : 24,
        gracefulExit: false,
      },
      Presets.shades_classic,
    );
  }

  start(total: number, done = 0): void {
    this.#bar.start(total, done, { text: '' });
    this.#running = true;
  }

  update(done: number, text: string): void {
    this.#bar.update(done, { text });
  }

  line(text: string): void {
    if (this.#running) this.#stream.write('\r\u001b[K');
    this.#stream.write(`${text}\n`);
  }

  stop(): void {
    if (this.#running) this.#bar.stop();
    this.#running = false;
  }
}

const nothing = () => undefined;
const silent: Progress = { start: nothing, update: nothing, line: nothing, stop: nothing };

/** At most one line of progress in ten seconds. */
class Lines implements Progress {
  readonly #stream: NodeJS.WriteStream;
  #total = 0;
  #before = 0;
  #startMs = 0;
  #lastMs = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  start(total: number, done = 0): void {
    this.#total = total;
    this.#before = done;
    this.#startMs = this.#lastMs = Date.now();
  }

  update(done: number, text: string): void {
    const nowMs = Date.now();
    if (nowMs - this.#lastMs < 10_000) return;
    this.#lastMs = nowMs;
    const left = ((nowMs - this.#startMs) / (done - this.#before)) * (this.#total - done);
    this.line(`${Math.floor((done / this.#total) * 100)} %, ${duration(left)} left  ${text}`);
  }

  line(text: string): void {
    this.#stream.write(`${text}\n`);
  }

  stop(): void {
    // Lines stay as they are.
  }
}
