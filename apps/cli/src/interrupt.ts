/**
 * Runs work that Ctrl-C stops, and that fails with `message` then; a second one ends the process at once.
 */
export async function untilInterrupted<T>(message: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const listener = () => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort(new Error(message));
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const name of signals) process.on(name, listener);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of signals) process.off(name, listener);
  }
}
