import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Handler, sendFile, serve, type TestServer } from '../fixtures/server.js';
import { download, type DownloadOptions } from './download.js';

let folder: string;
let path: string;
let servers: TestServer[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bag-download-'));
  path = join(folder, 'a.gz');
  servers = [];
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await Promise.all(servers.map((server) => server.close()));
  await rm(folder, { recursive: true });
});

async function server(handler: Handler): Promise<TestServer> {
  const started = await serve(handler);
  servers.push(started);
  return started;
}

/** The address of a server that is gone. */
async function goneServer(): Promise<string> {
  const gone = await serve(() => undefined);
  await gone.close();
  return gone.url;
}

/** As `fetch` fails where the name server has no such host, or does not answer. */
const unresolved = (code: 'ENOTFOUND' | 'EAI_AGAIN') =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(`getaddrinfo ${code} example.org`), { code }) });

const content = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i * 31) % 251);
const other = content.map((byte) => 255 - byte);
const md5 = createHash('md5').update(content).digest('hex');
const get = (urls: string[], options: Partial<DownloadOptions> = {}) =>
  download({ urls, path, md5, size: content.length, pauseMs: 1, ...options });

/** All that is there: no part, nothing beside it. */
async function expectWhole(): Promise<void> {
  expect(Buffer.compare(await readFile(path), content)).toBe(0);
  expect(await readdir(folder)).toEqual(['a.gz']);
}

test('a file is fetched, verified, and not fetched again', async () => {
  const { url, requests } = await server((request, response) => {
    expect(request.headers).toMatchObject({
      'user-agent': expect.stringContaining('bag') as string,
      'accept-encoding': 'identity',
    });
    sendFile(request, response, content);
  });
  const seen: number[] = [];
  expect(await get([`${url}/a.gz`], { onProgress: (received, total) => seen.push(received / total) })).toBe(true);
  await expectWhole();
  expect([seen[0], seen.at(-1), seen.every((share, i) => i === 0 || share >= (seen[i - 1] ?? 0))]).toEqual([
    0,
    1,
    true,
  ]);
  expect(await get([`${url}/a.gz`])).toBe(false);
  expect(requests).toEqual(['/a.gz -']);
  await writeFile(path, 'damaged');
  expect(await get([`${url}/a.gz`])).toBe(true);
  await expectWhole();
});

test('after a broken connection it goes on where it was', async () => {
  const { url, requests } = await server((request, response) => {
    sendFile(request, response, content, { etag: '"1"', breakAfter: 130_000 });
  });
  await get([url], { tries: 2 });
  await expectWhole();
  const starts = requests.map((request) => Number(/bytes=(\d+)-/.exec(request)?.[1] ?? 0));
  expect(starts[0]).toBe(0);
  expect(starts.length).toBeGreaterThanOrEqual(3);
  expect(starts.every((start, i) => i === 0 || start > (starts[i - 1] ?? 0))).toBe(true);
});

test('an interrupted one leaves a part, and the next call goes on with it', async () => {
  const { url, requests } = await server((request, response) => {
    sendFile(request, response, content, { etag: '"1"', stallAfter: requests.length === 1 ? 100_000 : Infinity });
  });
  const controller = new AbortController();
  const stopped = get([url], {
    signal: controller.signal,
    onProgress: (received) => received === 100_000 && controller.abort(new Error('stopped')),
  });
  await expect(stopped).rejects.toThrow('stopped');
  expect((await stat(`${path}.part`)).size).toBe(100_000);
  await get([url]);
  await expectWhole();
  expect(requests).toEqual(['/ -', '/ bytes=100000-']);
});

test('a server without ranges sends all again', async () => {
  const { url, requests } = await server((request, response) => {
    sendFile(request, response, content, { ranges: false, ...(requests.length === 1 && { breakAfter: 100_000 }) });
  });
  await get([url]);
  await expectWhole();
  expect(requests).toHaveLength(2);
});

test('a new version is begun anew: by its ETag, or where there is none by the sum', async () => {
  for (const etag of ['"new"', undefined]) {
    await rm(path, { force: true });
    await writeFile(`${path}.part`, other.subarray(0, 1000));
    const { url, requests } = await server((request, response) => {
      sendFile(request, response, content, etag === undefined ? {} : { etag });
    });
    await writeFile(`${path}.part.json`, JSON.stringify({ url, ...(etag && { etag: '"old"' }) }));
    await get([url]);
    await expectWhole();
    expect(requests).toEqual(etag ? ['/ bytes=1000-'] : ['/ bytes=1000-', '/ -']);
  }
});

test('a part that is too long or at its end already is no obstacle, nor one with a damaged note', async () => {
  const { url } = await server((request, response) => {
    sendFile(request, response, content);
  });
  await writeFile(`${path}.part`, Buffer.concat([content, content]));
  await get([url]);
  await expectWhole();
  await rm(path);
  await writeFile(`${path}.part`, content);
  await get(['http://127.0.0.1:1']);
  await expectWhole();
  await rm(path);
  await writeFile(`${path}.part`, content.subarray(0, 5000));
  await writeFile(`${path}.part.json`, '{');
  await get([url]);
  await expectWhole();
});

test('what is not the file is removed, with both sums', async () => {
  const { url } = await server((request, response) => {
    sendFile(request, response, other);
  });
  const found = createHash('md5').update(other).digest('hex');
  await expect(get([`${url}/a.gz`])).rejects.toThrow(
    `cannot download a.gz: ${url}/a.gz: its MD5 is ${found}, not ${md5}; what came is not the file, and was removed`,
  );
  expect(await readdir(folder)).toEqual([]);
});

test('the next place is asked where one has no such file, another one, or none at all', async () => {
  const good = await server((request, response) => {
    if (request.url === '/moved') response.writeHead(302, { location: '/a.gz' }).end();
    else sendFile(request, response, content);
  });
  const missing = await server((_, response) => response.writeHead(404).end('no such file'));
  const larger = await server((request, response) => {
    sendFile(request, response, Buffer.concat([content, content]));
  });
  const endless = await server((_, response) => {
    // Not a whole file at once: that would be taken, whatever follows.
    response.write(content.subarray(0, 299_000));
    response.end(content);
  });
  const gone = await goneServer();
  const wrong = [missing.url, larger.url, endless.url, gone];
  await get([...wrong, `${good.url}/moved`], { tries: 2 });
  await expectWhole();
  expect(missing.requests).toHaveLength(1);
  expect(larger.requests).toHaveLength(1);
  expect(good.requests.slice(-1)[0]).toMatch(/^\/a\.gz /);
  await rm(path);
  const failure = (await get(wrong, { tries: 2 }).catch((error: unknown) => error)) as Error;
  expect(failure).toMatchObject({ name: 'DownloadError', isTemporary: true });
  expect(failure.message).toContain(`${missing.url}: the server answered 404`);
  expect(failure.message).toContain(`${larger.url}: the server's file has 600000 bytes, 300000 were expected`);
  expect(failure.message).toContain(`${endless.url}: the server sends more than 300000 bytes`);
  expect(failure.message).toContain(`${gone}: connect ECONNREFUSED `);
  await expect(get([missing.url, larger.url])).rejects.toMatchObject({ isTemporary: false });
});

test('busy servers are asked again, a few times', async () => {
  const { url, requests } = await server((request, response) => {
    if (requests.length < 3) response.writeHead(503).end();
    else sendFile(request, response, content);
  });
  await expect(get([url], { tries: 2 })).rejects.toThrow('the server answered 503');
  await get([url], { tries: 2 });
  await expectWhole();
});

test('a connection that stalls is given up, and gone on with', async () => {
  const { url, requests } = await server((request, response) => {
    if (requests.length === 1) return;
    sendFile(request, response, content, { stallAfter: requests.length === 2 ? 120_000 : Infinity });
  });
  await get([url], { stallMs: 1000 });
  await expectWhole();
  expect(requests).toEqual(['/ -', '/ -', '/ bytes=120000-']);
  await rm(path);
  const silent = await server(() => undefined);
  await expect(get([silent.url], { stallMs: 20, tries: 2 })).rejects.toThrow('nothing came for 0.02 s');
});

test('a range that was not asked for is not believed', async () => {
  await writeFile(`${path}.part`, content.subarray(0, 1000));
  const { url, requests } = await server((request, response) => {
    if (requests.length > 1) sendFile(request, response, content);
    else response.writeHead(206, { 'content-range': 'bytes 0-299999/300000' }).end(content);
  });
  await get([url]);
  await expectWhole();
  expect(requests).toEqual(['/ bytes=1000-', '/ -']);
});

test('what has arrived by a failure is counted', async () => {
  const { url, requests } = await server((request, response) => {
    if (requests.length > 1) response.writeHead(503).end();
    else sendFile(request, response, content, { stallAfter: 100_000 });
  });
  await expect(get([url], { stallMs: 1000, tries: 2 })).rejects.toMatchObject({ isTemporary: true, arrived: 100_000 });
});

test('an address that is none is final at once', async () => {
  for (const [url, reason] of [
    ['http://127.0.0.1:1', 'bad port'],
    ['ftp://127.0.0.1/a.gz', 'unknown scheme'],
    ['mirror/a.gz', 'Invalid URL'],
  ] as const) {
    const failing = get([url], { pauseMs: 60_000 });
    await expect(failing).rejects.toThrow(`cannot download a.gz: ${url}: ${reason}`);
    await expect(failing).rejects.toMatchObject({ isTemporary: false, arrived: 0 });
  }
});

test('a host that there is not is final at once, but not after something came from it; no answer to that is not', async () => {
  const fetched = vi.fn().mockRejectedValue(unresolved('ENOTFOUND'));
  vi.stubGlobal('fetch', fetched);
  const failing = get(['http://example.org/a.gz'], { pauseMs: 60_000 });
  await expect(failing).rejects.toThrow(
    'getaddrinfo ENOTFOUND example.org (is there a network, and is the address right?)',
  );
  await expect(failing).rejects.toMatchObject({ isTemporary: false });
  expect(fetched).toHaveBeenCalledTimes(1);

  fetched.mockReset().mockRejectedValue(unresolved('EAI_AGAIN'));
  await expect(get(['http://example.org/a.gz'], { tries: 3 })).rejects.toMatchObject({ isTemporary: true });
  expect(fetched).toHaveBeenCalledTimes(3);

  const cutOff = new Response(content.subarray(0, 1000));
  fetched.mockReset().mockRejectedValue(unresolved('ENOTFOUND')).mockResolvedValueOnce(cutOff);
  await expect(get(['http://example.org/a.gz'], { tries: 3 })).rejects.toMatchObject({
    isTemporary: true,
    arrived: 1000,
  });
  expect(fetched).toHaveBeenCalledTimes(3);
});

test('what the file system says is no fault of a place: it comes at once, and names the file', async () => {
  const { url, requests } = await server((request, response) => {
    sendFile(request, response, content);
  });
  await mkdir(`${path}.part`);
  await expect(get([url, url], { pauseMs: 60_000 })).rejects.toMatchObject({ code: 'EISDIR', path: `${path}.part` });
  expect(requests).toHaveLength(1);
});

test.runIf(process.platform === 'linux')('so does that a disk is full', async () => {
  const { url, requests } = await server((request, response) => {
    sendFile(request, response, content);
  });
  await symlink('/dev/full', `${path}.part`);
  const failing = get([url, url], { pauseMs: 60_000 });
  await expect(failing).rejects.toThrow(`ENOSPC: no space left on device, write '${path}.part'`);
  await expect(failing).rejects.toMatchObject({ code: 'ENOSPC', path: `${path}.part` });
  expect(requests).toHaveLength(1);
});
