import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { md5Of } from './md5.js';
import { discard, RefusedError, sizeOf, TemporaryError, transfer } from './transfer.js';

export interface DownloadOptions {
  /** Where the file can be had, the best first. */
  urls: readonly string[];
  /** Where it goes. Until it is whole, `path.part` grows, and a later call goes on with it. */
  path: string;
  /** Of the whole file, in hexadecimal digits. */
  md5: string;
  /** Bytes. */
  size: number;
  onProgress?: ((received: number, total: number) => void) | undefined;
  /** Stops; what has arrived stays. */
  signal?: AbortSignal | undefined;
  /** A connection that brings nothing for so long is given up and begun anew. */
  stallMs?: number | undefined;
  /** Tries of a place that bring nothing, before the next place is asked. */
  tries?: number | undefined;
  /** The first pause between two tries; each is twice as long as the one before. */
  pauseMs?: number | undefined;
}

/** No place gave the file. */
export class DownloadError extends Error {
  override readonly name = 'DownloadError';
  constructor(
    message: string,
    /** Whether a later call may succeed: some place was busy or out of reach, or broke off. */
    readonly isTemporary: boolean,
    /** Bytes of the file that are there, with which a later call goes on. */
    readonly arrived: number,
  ) {
    super(message);
  }
}

/**
 * Downloads a file and verifies its size and MD5: it goes on after a broken connection, an interruption or with another
 * place, where the server gives ranges. A file that is there already and right is left as it is.
 *
 * @returns Whether anything had to be fetched.
 * @throws DownloadError naming every place and what was wrong with it; what the file system says, at once and as it is;
 * the signal's reason.
 * @example
 * await download({ urls: ['https://example.org/a.gz'], path: 'a.gz', md5: 'd41d8cd98f00b204e9800998ecf8427e', size: 0 });
 */
export async function download(options: DownloadOptions): Promise<boolean> {
  const { urls, path, md5, size, onProgress, signal } = options;
  const isThere = (await sizeOf(path)) === size && (await md5Of(path)) === md5;
  onProgress?.(isThere ? size : Math.min(await sizeOf(`${path}.part`), size), size);
  if (isThere) return false;
  await mkdir(dirname(path), { recursive: true });
  const failures: string[] = [];
  let isTemporary = false;
  for (const url of urls) {
    try {
      await fromOnePlace(url, options);
      await rename(`${path}.part`, path);
      await discard(`${path}.part`);
      return true;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof RefusedError || error instanceof TemporaryError)) throw error;
      failures.push(`${url}: ${error.message}`);
      isTemporary ||= error instanceof TemporaryError;
    }
  }
  const message = `cannot download ${basename(path)}: ${failures.join('; ')}`;
  throw new DownloadError(message, isTemporary, await sizeOf(`${path}.part`));
}

/** A part of another version is found out by the sum at the end, and begun anew once. */
async function fromOnePlace(url: string, options: DownloadOptions): Promise<void> {
  const part = `${options.path}.part`;
  for (let wasPart = (await sizeOf(part)) > 0; ; wasPart = false) {
    await untilWhole(url, part, options);
    const found = await md5Of(part);
    if (found === options.md5) return;
    await discard(part);
    await rm(options.path, { force: true });
    if (!wasPart) {
      throw new RefusedError(`its MD5 is ${found}, not ${options.md5}; what came is not the file, and was removed`);
    }
  }
}

async function untilWhole(
  url: string,
  part: string,
  { size, onProgress, signal, stallMs = 30_000, tries = 4, pauseMs = 1000 }: DownloadOptions,
): Promise<void> {
  let hasSent = false;
  const hear = (received: number) => {
    hasSent = true;
    onProgress?.(received, size);
  };
  for (let failed = 0; ;) {
    const before = await sizeOf(part);
    try {
      await transfer({ url, part, size, stallMs, hasSent, signal, onProgress: hear });
      return;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof TemporaryError)) throw error;
      failed = (await sizeOf(part)) > before ? 1 : failed + 1;
      if (failed >= tries) throw error;
      await pause(Math.min(pauseMs * 2 ** (failed - 1), 30_000), undefined, signal && { signal }).catch(() => {
        signal?.throwIfAborted();
      });
    }
  }
}
