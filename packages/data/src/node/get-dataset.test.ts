import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { extract } from 'tar';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sendFile, serve, type TestServer } from '../fixtures/server.js';
import { type Catalogue, catalogue as published } from './catalogue.js';
import { getDataset } from './get-dataset.js';
import { openDataset } from './open.js';
import { tarHeader } from './tar-file.js';

vi.mock('tar', { spy: true });

let base: string;
let folder: string;
let server: TestServer;
const files = new Map<string, Uint8Array>();
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'bag-get-'));
  folder = join(base, 'got');
  files.clear();
  server = await serve((request, response) => {
    const content = files.get(request.url ?? '');
    if (content === undefined) response.writeHead(404).end();
    else sendFile(request, response, content);
  });
});
afterEach(async () => {
  await server.close();
  await rm(base, { recursive: true });
});

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');
const record = (label: number) => Uint8Array.from([label, ...new Uint8Array(3072).fill(label)]);

function archive(entries: Record<string, Uint8Array | string>): Buffer {
  const parts = Object.entries(entries).flatMap(([name, content]) => {
    const bytes = Buffer.from(content);
    return [tarHeader(name, bytes.length), bytes, Buffer.alloc(-bytes.length & 511)];
  });
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(1024)]));
}

const members = ['bin/data_batch_1.bin', 'bin/test_batch.bin', 'bin/batches.meta.txt'];
const small = {
  'bin/data_batch_1.bin': Buffer.concat([record(3), record(4)]),
  'bin/test_batch.bin': record(5),
  'bin/batches.meta.txt': 'a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n',
};

/** The catalogue of one archive, which the server has. */
function cifarOf(bytes: Uint8Array): Catalogue {
  files.set('/cifar.tar.gz', bytes);
  const file = { name: 'cifar.tar.gz', md5: md5(bytes), size: bytes.length, members };
  return { cifar: { places: [server.url], files: [file] } };
}

function idxCatalogue(): Catalogue {
  const images = (count: number) =>
    Uint8Array.from([0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 2, 0, 0, 0, 2, ...new Uint8Array(4 * count).fill(9)]);
  const labels = (count: number) => Uint8Array.from([0, 0, 8, 1, 0, 0, 0, count, ...new Uint8Array(count).fill(1)]);
  const all = {
    'train-images-idx3-ubyte.gz': images(3),
    'train-labels-idx1-ubyte.gz': labels(3),
    't10k-images-idx3-ubyte.gz': images(1),
    't10k-labels-idx1-ubyte.gz': labels(1),
  };
  const listed = Object.entries(all).map(([name, content]) => {
    const bytes = gzipSync(content);
    files.set(`/mirror/${name}`, bytes);
    return { name, md5: md5(bytes), size: bytes.length };
  });
  return {
    mnist: { places: [`${server.url}/gone`, `${server.url}/mirror/`], files: listed, classes: ['zero', 'one'] },
  };
}

test('an archive is fetched, unpacked and removed; a second call verifies and fetches nothing', async () => {
  const catalogue = cifarOf(archive({ 'bin/readme.html': 'hello', ...small }));
  const seen: number[] = [];
  const got = await getDataset('cifar', { folder, catalogue, onProgress: (done, total) => seen.push(done / total) });
  expect(got).toMatchObject({ name: 'cifar', folder, alreadyThere: false });
  expect(seen.at(-1)).toBe(1);
  expect((await readdir(folder)).sort()).toEqual([
    'bag-data.json',
    'batches.meta.txt',
    'data_batch_1.bin',
    'test_batch.bin',
  ]);
  const dataset = await openDataset(folder, { split: 'train' });
  expect([[...dataset.labels], dataset.classes[3]]).toEqual([[3, 4], 'd']);
  expect((await getDataset('cifar', { folder, catalogue })).alreadyThere).toBe(true);
  expect(server.requests).toHaveLength(1);
  await writeFile(join(folder, 'test_batch.bin'), record(6));
  expect((await getDataset('cifar', { folder, catalogue })).alreadyThere).toBe(false);
  expect(new Uint8Array(await readFile(join(folder, 'test_batch.bin')))).toEqual(record(5));
  expect(server.requests).toHaveLength(2);
});

test('files are kept as they come, by the next place where one lacks them, and damaged ones fetched again', async () => {
  const catalogue = idxCatalogue();
  await getDataset('mnist', { folder, catalogue });
  expect(server.requests).toHaveLength(8);
  const dataset = await openDataset(folder, { split: 'validation', squareSize: 4 });
  expect([[...dataset.labels], dataset.classes]).toEqual([[1], ['zero', 'one']]);
  expect([...(await dataset.get(0)).data]).toEqual(Array.from({ length: 48 }, () => 9));
  expect((await getDataset('mnist', { folder, catalogue })).alreadyThere).toBe(true);
  await writeFile(join(folder, 't10k-labels-idx1-ubyte.gz'), 'x');
  await writeFile(join(folder, 'bag-data.json'), 'null');
  const again = await getDataset('mnist', { folder, catalogue, from: `${server.url}/mirror` });
  expect(again.alreadyThere).toBe(false);
  expect(server.requests.slice(8)).toEqual(['/mirror/t10k-labels-idx1-ubyte.gz -']);
  await expect(getDataset('cifar', { folder, catalogue: cifarOf(archive(small)) })).rejects.toThrow(
    `${folder} holds mnist; name another folder for cifar`,
  );
});

test('nothing but what is expected leaves an archive, and nothing outside of the folder is touched', async () => {
  await mkdir(folder);
  await writeFile(join(base, 'outside.bin'), 'mine');
  const catalogue = cifarOf(
    archive({ '../outside.bin': 'evil', '../../outside.bin': 'evil', 'bin/evil.js': 'evil', ...small }),
  );
  await getDataset('cifar', { folder, catalogue });
  expect((await readdir(folder)).sort()).toEqual([
    'bag-data.json',
    'batches.meta.txt',
    'data_batch_1.bin',
    'test_batch.bin',
  ]);
  expect(await readdir(base)).toEqual(['got', 'outside.bin']);
  expect(await readFile(join(base, 'outside.bin'), 'utf8')).toBe('mine');
});

test('an archive that is cut off or lacks a file is named, and leaves none of its files', async () => {
  const without = Object.fromEntries(Object.entries(small).filter(([name]) => name !== 'bin/test_batch.bin'));
  const path = join(folder, 'cifar.tar.gz');
  await expect(getDataset('cifar', { folder, catalogue: cifarOf(archive(without)) })).rejects.toThrow(
    `${path} has no bin/test_batch.bin; remove it, and get it again`,
  );
  expect(await readdir(folder)).toEqual(['cifar.tar.gz']);
  const whole = archive(small);
  for (const cut of [whole.subarray(0, whole.length / 2), Buffer.from('no archive')]) {
    await expect(getDataset('cifar', { folder, catalogue: cifarOf(cut) })).rejects.toThrow(
      new RegExp(
        `${path.replaceAll('\\', '.')} (cannot be unpacked \\(.+\\)|has no bin/data_batch_1.bin); remove it, and get it again`,
      ),
    );
    expect(await readdir(folder)).toEqual(['cifar.tar.gz']);
  }
});

test('a disk without room for the files is no fault of the archive, which is kept for the next call', async () => {
  const catalogue = cifarOf(archive(small));
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
  vi.mocked(extract).mockRejectedValueOnce(full);
  await expect(getDataset('cifar', { folder, catalogue })).rejects.toMatchObject({
    message: `ENOSPC: no space left on device, write '${join(folder, '.unpacked')}'`,
    path: join(folder, '.unpacked'),
  });
  expect(await readdir(folder)).toEqual(['cifar.tar.gz']);
  expect((await getDataset('cifar', { folder, catalogue })).files).toHaveLength(3);
  expect(server.requests).toHaveLength(1);
});

test('an unknown name is answered with the known ones; their catalogue is complete', async () => {
  await expect(getDataset('imagenet')).rejects.toThrow(
    'there is no data set imagenet to get; known are cifar10, cifar100, mnist, fashion-mnist',
  );
  for (const { files: listed, places } of Object.values(published)) {
    for (const { md5: sum } of listed) expect(sum).toMatch(/^[0-9a-f]{32}$/);
    for (const place of places) expect(place).toMatch(/^https?:\/\/.*\/$/);
  }
});
