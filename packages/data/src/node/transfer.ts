import { open, readFile, rm, stat, writeFile } from 'node:fs/promises';

export interface TransferOptions {
  url: string;
  /** The file that grows. */
  part: string;
  /** Bytes of the whole. */
  size: number;
  /** A connection that brings nothing for so long has stalled. */
  stallMs: number;
  /** Whether this place has sent something before; that there is no such host is trouble on the way then. */
  hasSent: boolean;
  onProgress?: ((received: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** What trying again would not change: there is no such server, or it does not have the file, or another one. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/** What trying again may change: the server is busy or out of reach, or the connection broke off. */
export class TemporaryError extends Error {
  override readonly name = 'TemporaryError';
}

const userAgent = 'bag (image data sets)';

/**
 * Brings the rest of a file, or all of it where the server gives no ranges or has a new version. What has arrived by a
 * failure stays.
 *
 * @throws RefusedError; TemporaryError; what the file system says, as it is; the signal's reason.
 */
export async function transfer(options: TransferOptions): Promise<void> {
  const { url, part, size, stallMs, hasSent, onProgress, signal } = options;
  const present = await sizeOf(part);
  if (present === size) return;
  if (present > size) await discard(part);
  const have = present > size ? 0 : present;
  const stall = new AbortController();
  const timer = setTimeout(() => {
    stall.abort(new TemporaryError(`nothing came for ${stallMs / 1000} s`));
  }, stallMs);
  const stopped = signal ? AbortSignal.any([signal, stall.signal]) : stall.signal;
  try {
    const response = await fetch(url, {
      headers: await headersFor(url, part, have),
      signal: stopped,
    }).catch((error: unknown) => {
      stopped.throwIfAborted();
      throw noAnswer(error as Error, hasSent);
    });
    timer.refresh();
    const from = await startOf(response, { have, part, size });
    if (from === 0) await begin(part, url, response);
    await append(part, piecesOf(response, stopped), from, {
      size,
      onProgress: (received) => (timer.refresh(), onProgress?.(received)),
    });
  } finally {
    clearTimeout(timer);
    stall.abort();
  }
}

export const sizeOf = async (path: string) => (await stat(path).catch(() => undefined))?.size ?? 0;

/** Codes of connections that were not taken, broke off or took too long, and of name servers that do not answer. */
const temporary: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
]);

/** Why `fetch` got no answer: by the network, or because the address is none that it takes. */
function noAnswer(error: Error, hasSent: boolean): Error {
  const { code } = (error.cause ?? {}) as NodeJS.ErrnoException;
  const reason = reasonOf(error);
  if (temporary.has(code) || (code === 'ENOTFOUND' && hasSent)) return new TemporaryError(reason, { cause: error });
  const question = code === 'ENOTFOUND' ? ' (is there a network, and is the address right?)' : '';
  return new RefusedError(`${reason}${question}`, { cause: error });
}

/** `fetch failed` says nothing; its cause does, or where that is several, their common code. */
function reasonOf({ message, cause }: Error): string {
  if (!(cause instanceof Error)) return message;
  return cause.message || ((cause as NodeJS.ErrnoException).code ?? message);
}

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
    throw new TemporaryError('the server has no such range');
  }
  if (status === 408 || status === 429 || status >= 500) {
    throw new TemporaryError(`the server answered ${status}`);
  }
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
  throw new TemporaryError('the server sent another range than asked for');
}

async function begin(part: string, url: string, { headers }: Response): Promise<void> {
  await writeFile(part, '');
  const etag = headers.get('etag');
  // A weak mark says nothing about bytes.
  const strong = etag !== null && !etag.startsWith('W/');
  await writeFile(sidecarOf(part), JSON.stringify({ url, ...(strong && { etag }) }));
}

/** The body as it comes. */
async function* piecesOf({ body }: Response, stopped: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  for (;;) {
    const piece = await reader?.read().catch((error: unknown) => {
      stopped.throwIfAborted();
      throw new TemporaryError(reasonOf(error as Error), { cause: error });
    });
    if (piece?.value === undefined) return;
    yield piece.value;
  }
}

async function append(
  part: string,
  pieces: AsyncIterable<Uint8Array>,
  from: number,
  { size, onProgress }: { size: number; onProgress: (received: number) => void },
): Promise<void> {
  let received = from;
  const file = await open(part, 'a');
  try {
    for await (const bytes of pieces) {
      if (received + bytes.length > size) throw new RefusedError(`the server sends more than ${size} bytes`);
      await file.writeFile(bytes).catch((error: unknown) => {
        throw naming(part, error as Error);
      });
      received += bytes.length;
      onProgress(received);
    }
  } finally {
    await file.close();
  }
  if (received < size) throw new TemporaryError(`the connection ended after ${received} of ${size} bytes`);
}

/** What the system says about an open file leaves out which one it is. */
export function naming(path: string, error: NodeJS.ErrnoException): Error {
  return error.path === undefined ? Object.assign(error, { path, message: `${error.message} '${path}'` }) : error;
}
