import { ExplainedError } from './errors.js';
import type { Progress } from './progress.js';

/** Runs work with a signal that the first Ctrl-C gives; a second one ends the process at once. */
async function untilSignal<T>(
  work: (signal: AbortSignal) => Promise<T>,
  stop: (c: AbortController) => void,
): Promise<T> {
  const controller = new AbortController();
  const listener = () => {
    if (controller.signal.aborted) process.exit(1);
    stop(controller);
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const name of signals) process.on(name, listener);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of signals) process.off(name, listener);
  }
}

/** Runs work that Ctrl-C ends after its current step; a second one ends the process at once. */
export function stoppable<T>(progress: Progress, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return untilSignal(work, (controller) => {
    progress.line('stopping after this step (or validation); press Ctrl-C again to quit at once');
    controller.abort();
  });
}

/** Runs work that Ctrl-C stops, and that fails with `message` then; a second one ends the process at once. */
export function untilInterrupted<T>(message: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return untilSignal(work, (controller) => controller.abort(new ExplainedError(message)));
}
