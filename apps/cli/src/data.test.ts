import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { bag, folder, run } from './fixtures/program.js';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await close(server);
});

async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close').catch(() => undefined);
}

/** A server of one answer: so many bytes of zeros, of which `sent` come. */
const serverOf = (length: number, sent = length) =>
  serve((_, response) => {
    response.writeHead(200, { 'content-length': length, etag: '"1"' });
    response.write(Buffer.alloc(sent));
  });

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/cifar`;
}

/** Lets no time pass between two tries. */
const hurried = `data:text/javascript,${encodeURIComponent(`
  import timers from 'node:timers/promises';
  import { syncBuiltinESMExports } from 'node:module';
  timers.setTimeout = () => Promise.resolve();
  syncBuiltinESMExports();
`)}`;

function start(...args: string[]) {
  const child = spawn(process.execPath, ['--import', hurried, bag, ...args], { cwd: folder });
  let stderr = '';
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const ended = once(child, 'close').then(([status]) => ({ status: status as number | null, stderr }));
  return { child, ended };
}

const sizeOf = async (path: string) => (await stat(join(folder, path)).catch(() => undefined))?.size ?? 0;

const archive = 'cifar-10-binary.tar.gz';
const archiveBytes = 170_052_171;

/** What is said of an archive that cannot be had from there. */
const notFrom = (url: string, reason: string) => `error: cannot download ${archive}: ${url}/${archive}: ${reason}\n`;

test('data get from a wrong place is one line and exit code 2', async () => {
  const fix = '--from needs a folder on the web that has this file';
  const get = (url: string) => start('data', 'get', 'cifar10', 'wrong', '--from', url).ended;
  const other = await serverOf(1000);
  const reason = `the server's file has 1000 bytes, ${archiveBytes} were expected`;
  expect(await get(other)).toEqual({ status: 2, stderr: notFrom(other, `${reason}; ${fix}`) });
  const missing = await serve((_, response) => response.writeHead(404).end());
  expect(await get(missing)).toEqual({ status: 2, stderr: notFrom(missing, `the server answered 404; ${fix}`) });
  const forbidden = 'http://127.0.0.1:1';
  expect(await get(forbidden)).toEqual({ status: 2, stderr: notFrom(forbidden, `bad port; ${fix}`) });
});

test('data get from a place that does not answer, or no more, is one line with what to do, and exit code 1', async () => {
  const get = (url: string) => start('data', 'get', 'cifar10', 'away', '--from', url);
  const away = await serverOf(archiveBytes);
  await close(servers.pop() as Server);
  const refused = `connect ECONNREFUSED ${new URL(away).host}`;
  expect(await get(away).ended).toEqual({ status: 1, stderr: notFrom(away, `${refused}; try again later`) });
  let first: ServerResponse | undefined;
  const breaking = await serve((_, response) => {
    if (first !== undefined) response.writeHead(503).end();
    else (first = response.writeHead(200, { 'content-length': archiveBytes })).write('some');
  });
  const { ended } = get(breaking);
  await expect.poll(() => sizeOf(join('away', `${archive}.part`)), { timeout: 200_000 }).toBe(4);
  first?.destroy();
  const fix = 'run the same command again: it goes on with what has arrived';
  expect(await ended).toEqual({ status: 1, stderr: notFrom(breaking, `the server answered 503; ${fix}`) });
});

test.runIf(process.platform === 'linux')('data get onto a full disk says so, and nothing of the place', async () => {
  const url = await serverOf(archiveBytes, 100_000);
  const part = join('full', `${archive}.part`);
  await mkdir(join(folder, 'full'));
  await symlink('/dev/full', join(folder, part));
  expect(await start('data', 'get', 'cifar10', 'full', '--from', url).ended).toEqual({
    status: 1,
    stderr: `error: cannot write ${part}: ENOSPC: no space left on device; the same command goes on once there is room\n`,
  });
});

test('Ctrl-C leaves a part to go on with', async () => {
  const url = await serverOf(archiveBytes, 100_000);
  const { child, ended } = start('data', 'get', 'cifar10', 'stopped', '--from', `${url}/`);
  const part = join('stopped', `${archive}.part`);
  await expect.poll(() => sizeOf(part), { timeout: 200_000 }).toBe(100_000);
  child.kill('SIGINT');
  const { status, stderr } = await ended;
  expect(stderr).toBe('error: interrupted; the same command goes on with what has arrived\n');
  expect(status).toBe(1);
  expect(await sizeOf(part)).toBe(100_000);
  expect(JSON.parse(await readFile(join(folder, `${part}.json`), 'utf8'))).toEqual({
    url: `${url}/${archive}`,
    etag: '"1"',
  });
});

test('data get verifies what is there, and says so', async () => {
  const there = join(folder, 'there');
  await mkdir(there);
  await writeFile(join(there, 'test_batch.bin'), 'hello');
  // The MD5 of "hello", RFC 1321's algorithm by coreutils' md5sum.
  const files = [{ name: 'test_batch.bin', size: 5, md5: '5d41402abc4b2a76b9719d911017c592' }];
  const marker = { name: 'cifar10', sources: ['c32a1d4ab5d03f1284b67883e8d87530'], files };
  await writeFile(join(there, 'bag-data.json'), JSON.stringify(marker));
  expect(run('data', 'get', 'cifar10', 'there')).toMatchObject({
    status: 0,
    stdout: 'there: already there, verified\ntrain on it:  npx bag train cifar10/bag --data there\n',
  });
  expect(JSON.parse(run('data', 'get', 'cifar10', 'there', '--json').stdout)).toEqual({
    name: 'cifar10',
    folder: 'there',
    files: ['test_batch.bin'],
    bytes: archiveBytes,
    alreadyThere: true,
  });
  expect(run('data', 'get', 'mnist', 'there')).toMatchObject({ status: 1 });
  expect(run('data', 'get', 'mnist', 'there').stderr).toContain('there holds cifar10; name another folder for mnist');
});

test('data pack packs what can be trained on', async () => {
  run('data', 'make', 'shapes', '--classes', '3', '--train', '24', '--validation', '9', '--size', '16');
  const packed = run('data', 'pack', 'shapes', 'packed', '--images-per-shard', '10', '--json');
  expect(JSON.parse(packed.stdout)).toMatchObject({
    folder: 'packed',
    splits: [
      { split: 'train', images: 24, shards: 3 },
      { split: 'validation', images: 9, shards: 1 },
    ],
  });
  expect(await readdir(join(folder, 'packed', 'train'))).toHaveLength(4);
  const small = run('data', 'pack', 'shapes', 'small', '--shard-size', '20kB');
  expect(small.stdout).toContain('train on them:  npx bag train --data small');
  const trained = run(
    ...['train', '--data', 'packed', '--model', 'resnet8', '--backend', 'wasm', '--batch', '8', '--epochs', '1'],
    ...['--set', 'imageSize=16', '--set', 'learningRate.warmupEpochs=0', '--out', 'run', '--json', '-q'],
  );
  expect(trained.stderr).toBe('');
  expect(trained.status).toBe(0);
});

test('data check says in one line that there is nothing to validate on', async () => {
  const digits = join(folder, 'digits');
  await mkdir(digits);
  const images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, ...[1, 2, 3, 4]];
  await writeFile(join(digits, 'train-images-idx3-ubyte'), Uint8Array.from(images));
  await writeFile(join(digits, 'train-labels-idx1-ubyte'), Uint8Array.from([0, 0, 8, 1, 0, 0, 0, 2, 5, 6]));
  const { status, stdout } = run('data', 'check', 'digits');
  expect(stdout.split('\n').slice(0, 2)).toEqual([
    '2 training and 0 validation images of 10 classes',
    'no validation split: digits has no t10k-images-idx3-ubyte(.gz); add it, or nothing is validated',
  ]);
  expect(status).toBe(0);
});

test('so does training, and the refusal of a study, which cannot do without', () => {
  const { status, stderr } = run(
    ...['ablate', '--data', 'digits', '--model', 'resnet8', '--backend', 'wasm', '--batch', '2', '--epochs', '1'],
    ...['--set', 'imageSize=16', '--set', 'learningRate.warmupEpochs=0', '--out', 'study'],
  );
  const lack = 'digits has no t10k-images-idx3-ubyte(.gz)';
  expect(stderr).toContain(`warning: ${lack}, so nothing is validated\n`);
  expect(stderr).toContain(`error: the teacher has nothing to validate on: ${lack}; add it\n`);
  expect(status).toBe(2);
});

test.each([
  [['data', 'pack', 'shapes', 'shapes'], 'shapes is not empty; name a new folder'],
  [['data', 'pack', 'nowhere', 'new'], 'nowhere does not exist; give the folder of a data set'],
  [['data', 'pack', 'shapes', 'new', '--shard-size', 'lots'], 'expected a size such as 256MB'],
  [['data', 'pack', 'a', 'b', '--shard-size', '1MB', '--images-per-shard', '1'], 'cannot be used with option'],
  [['data', 'get', 'mnist', '--from', 'mirror'], 'expected an address such as https://example.org/files'],
  [['data', 'get', 'imagenet'], 'Allowed choices are cifar10, cifar100, mnist, fashion-mnist'],
])('%j is one line and exit code 2', (args, message) => {
  const { status, stderr } = run(...args);
  expect(stderr).toContain(message);
  expect(stderr).not.toMatch(/^ {4}at /m);
  expect(status).toBe(2);
});
