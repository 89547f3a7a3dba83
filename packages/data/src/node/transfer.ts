import { open, readFile, rm, stat, writeFile } from 'node:fs/promises';

export interface TransferOptions {
  url: string;
  /** The file that grows. */
  part: string;
  /** Bytes of the whole. */
  size: number;
  /** A connection that brings nothing for so long has stalled. */
  stallMs: number;
  onProgress?: ((received: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** What trying again would not change: the server does not have the file, or another one. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

const userAgent = 'bag (image data sets)';

/**
 * Brings the rest of a file, or all of it where the server gives no ranges or has a new version. What has arrived by a
 * failure stays.
 *
 * @throws RefusedError; Error where the connection broke or stalled; the signal's reason.
 */
export async function transfer({ url, part, size, stallMs, onProgress, signal }: TransferOptions): Promise<void> {
  const present = await sizeOf(part);
  if (present === size) return;
  if (present > size) await discard(part);
  const have = present > size ? 0 : present;
  const stall = new AbortController();
  const timer = setTimeout(() => {
    stall.abort(new Error(`nothing came for ${stallMs / 1000} s`));
  }, stallMs);
  try {
    const response = await fetch(url, {
      headers: await headersFor(url, part, have),
      signal: signal ? AbortSignal.any([signal, stall.signal]) : stall.signal,
    });
    timer.refresh();
    const from = await startOf(response, { have, part, size });
    if (from === 0) await begin(part, url, response);
    await append(part, response, from, { size, onProgress: (received) => (timer.refresh(), onProgress?.(received)) });
  } catch (error) {
    signal?.throwIfAborted();
    if (stall.signal.aborted) throw stall.signal.reason;
    throw error;
  } finally {
    clearTimeout(timer);
    stall.abort();
  }
}

export const sizeOf = async (path: string) => (await stat(path).catch(() => undefined))?.size ?? 0;

/** Where a part comes from, and the server's mark of that version. */
interface Sidecar {
  url?: string;
  etag?: string;
}

const sidecarOf = (part: string) => `${part}.json`;

export async function discard(part: string): Promise<void> {
  await Promise.all([rm(part, { force: true }), rm(sidecarOf(part), { force: true })]);
}

async function headersFor(url: string, part: string, have: number): Promise<Record<string, string>> {
  // Compressed on the way, a file's length and ranges would be others.
  const headers = { 'User-Agent': userAgent, 'Accept-Encoding': 'identity' };
  if (have === 0) return headers;
  const { url: source, etag } = await readFile(sidecarOf(part), 'utf8')
    .then((text) => JSON.parse(text) as Sidecar)
    .catch((): Sidecar => ({}));
  return {
    ...headers,
    Range: `bytes=${have}-`,
    ...(source === url && etag !== undefined && { 'If-Range': etag }),
  };
}

/** Where in the file the answer begins. */
async function startOf(
  response: Response,
  { have, part, size }: { have: number; part: string; size: number },
): Promise<number> {
  const { status } = response;
  if (status === 416) {
    await discard(part);
    throw new Error('the server has no such range');
  }
  if (status === 408 || status === 429 || status >= 500) throw new Error(`the server answered ${status}`);
  if (status !== 200 && status !== 206) throw new RefusedError(`the server answered ${status}`);
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '') ?? [];
  const length = response.headers.get('content-length');
  const whole = status === 206 ? total : response.headers.has('content-encoding') ? undefined : length;
  if (whole !== undefined && whole !== null && whole !== '*' && Number(whole) !== size) {
    throw new RefusedError(`the server's file has ${whole} bytes, ${size} were expected`);
  }
  if (status === 200) return 0;
  if (Number(first) === have) return have;
  await discard(part);
  throw new Error('the server sent another range than asked for');
}

async function begin(part: string, url: string, { headers }: Response): Promise<void> {
  await writeFile(part, '');
  const etag = headers.get('etag');
  // A weak mark says nothing about bytes.
  const strong = etag !== null && !etag.startsWith('W/');
  await writeFile(sidecarOf(part), JSON.stringify({ url, ...(strong && { etag }) }));
}

async function append(
  part: string,
  { body }: Response,
  from: number,
  { size, onProgress }: { size: number; onProgress: (received: number) => void },
): Promise<void> {
  let received = from;
  const file = await open(part, 'a');
  try {
    const reader = body?.getReader();
    for (let bytes; (bytes = (await reader?.read())?.value) !== undefined;) {
      if (received + bytes.length > size) throw new RefusedError(`the server sends more than ${size} bytes`);
      await file.writeFile(bytes);
      received += bytes.length;
      onProgress(received);
    }
  } finally {
    await file.close();
  }
  if (received < size) throw new Error(`the connection ended after ${received} of ${size} bytes`);
}
