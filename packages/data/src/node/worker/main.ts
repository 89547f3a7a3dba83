import { readFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { isTruncated, UnreadableImage } from './any-format.js';
import { decode, load } from './load.js';
import type { Answer, Job } from './messages.js';

/** The program of a decoding thread: one job after the other, each with an answer. */
async function answer({ id, source, options, load: job }: Job): Promise<Answer> {
  let bytes: Uint8Array;
  try {
    // A thread has nothing else to do while it waits.
    bytes = typeof source === 'string' ? readFileSync(source) : source;
  } catch (error) {
    return { id, kind: 'bad', reason: firstLine(error), truncated: false };
  }
  try {
    if (job === undefined) return { id, kind: 'decoded', ...(await decode(bytes, options)) };
    await load(bytes, options, job);
    return { id, kind: 'loaded' };
  } catch (error) {
    const reason = firstLine(error);
    if (!(error instanceof UnreadableImage)) return { id, kind: 'failed', reason };
    return { id, kind: 'bad', reason, truncated: await isTruncated(bytes) };
  }
}

const firstLine = (error: unknown) => (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';

parentPort?.on('message', (job: Job) => {
  void answer(job).then((reply) => {
    parentPort?.postMessage(reply, reply.kind === 'decoded' ? [reply.data.buffer as ArrayBuffer] : []);
  });
});
