import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cacheFolder } from './cache.js';
import { imageFolder } from './image-folder.js';
import { listClasses } from './listing.js';

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'bag-listing-'));
  vi.stubEnv('BAG_CACHE', join(base, 'cache'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await rm(base, { recursive: true });
});

const classes = ['a', 'b', 'c'];
const photos = () => join(base, 'photos');

async function folder(): Promise<void> {
  for (const name of classes) {
    await mkdir(join(photos(), name), { recursive: true });
    for (const file of ['2.JPG', '1.jpg', 'é.png', 'notes.txt']) await writeFile(join(photos(), name, file), '');
  }
}

/** Lists as if `secondsLater`: a folder that has just changed is not trusted. */
async function list({ cacheAbove = 1, secondsLater = 10 } = {}): Promise<{ names: string[]; listed: number }> {
  vi.spyOn(Date, 'now').mockReturnValue(performance.timeOrigin + performance.now() + secondsLater * 1000);
  let listed = 0;
  const { files } = await listClasses(photos(), classes, { cacheAbove, onProgress: () => listed++ });
  const names = files.flatMap((list, label) =>
    Array.from({ length: list.length }, (_, i) => `${classes[label] ?? ''}/${list.at(i)}`),
  );
  return { names, listed };
}

const whole = classes.flatMap((name) => ['1.jpg', '2.JPG', 'é.png'].map((file) => `${name}/${file}`));

test('the second listing reads no class folder, and a changed one is listed anew, alone', async () => {
  await folder();
  expect(await list()).toEqual({ names: whole, listed: 3 });
  expect(await list()).toEqual({ names: whole, listed: 0 });
  await writeFile(join(photos(), 'b', '0.jpg'), '');
  const more = [...whole.slice(0, 3), 'b/0.jpg', ...whole.slice(3)];
  expect(await list()).toEqual({ names: more, listed: 1 });
  expect(await list()).toEqual({ names: more, listed: 0 });
});

test('a folder in the place of another, or with its time set back, is listed anew', async () => {
  await folder();
  await list();
  await rename(join(photos(), 'a'), join(base, 'old'));
  await rename(join(photos(), 'c'), join(photos(), 'a'));
  await rename(join(base, 'old'), join(photos(), 'c'));
  expect((await list()).listed).toBe(2);
  const before = new Date(2020, 1, 1);
  await utimes(join(photos(), 'b'), before, before);
  await list();
  await writeFile(join(photos(), 'b', '9.jpg'), '');
  await utimes(join(photos(), 'b'), before, before);
  expect(await list()).toMatchObject({ listed: 1, names: expect.arrayContaining(['b/9.jpg']) as string[] });
});

test('what changed a moment before the listing is not trusted', async () => {
  await folder();
  await list({ secondsLater: 0 });
  expect((await list()).listed).toBe(3);
  expect((await list()).listed).toBe(0);
});

test('a small folder leaves nothing behind', async () => {
  await folder();
  await list({ cacheAbove: 9 });
  await expect(readdir(join(base, 'cache'))).rejects.toThrow('ENOENT');
});

test('a damaged cache and one that cannot be written are ignored', async () => {
  await folder();
  await list();
  const [kind] = await readdir(join(base, 'cache'));
  const [name] = await readdir(join(base, 'cache', kind as string));
  const file = join(base, 'cache', kind as string, name as string);
  const good = await readFile(file);
  const flipped = Buffer.from(good);
  flipped[good.length - 3] = (flipped[good.length - 3] as number) ^ 1;
  for (const damaged of [flipped, good.subarray(0, good.length / 2), Buffer.from('{}'), Buffer.alloc(0)]) {
    await writeFile(file, damaged);
    expect(await list()).toEqual({ names: whole, listed: 3 });
    expect(await readFile(file)).toEqual(good);
  }
  await writeFile(join(base, 'file'), '');
  for (const unusable of ['file', 'file/below']) {
    vi.stubEnv('BAG_CACHE', join(base, unusable));
    expect((await list()).listed).toBe(3);
    expect((await list()).listed).toBe(3);
  }
});

test('no cache file is seen half written: there is one file, and no other', async () => {
  await folder();
  await Promise.all([1, 2, 3, 4].map(() => list()));
  expect(await readdir(join(base, 'cache', 'listings-1'))).toHaveLength(1);
});

test('the cache lies where the system has its caches', () => {
  expect(cacheFolder({ BAG_CACHE: '/mine', XDG_CACHE_HOME: '/x' })).toBe('/mine');
  expect(cacheFolder({ XDG_CACHE_HOME: '/x' })).toBe(join('/x', 'bag'));
  expect(cacheFolder({ HOME: '/h' }, 'linux')).toMatch(/[\\/]\.cache[\\/]bag$/);
  expect(cacheFolder({}, 'darwin')).toMatch(/Library[\\/]Caches[\\/]bag$/);
  expect(cacheFolder({ LOCALAPPDATA: 'L' }, 'win32')).toBe(join('L', 'bag', 'Cache'));
});

test('val/, validation/ and test/ are looked for in this order', async () => {
  const make = async (split: string) => {
    for (const name of ['a', 'b']) {
      await mkdir(join(photos(), split, name), { recursive: true });
      await writeFile(join(photos(), split, name, `${split}.jpg`), '');
    }
  };
  for (const split of ['train', 'test', 'validation', 'val']) {
    await make(split);
    if (split === 'train') continue;
    const dataset = await imageFolder(photos(), { split: 'validation' });
    expect(dataset.nameOf?.(1)).toBe(join(photos(), split, 'b', `${split}.jpg`));
    expect([...dataset.labels]).toEqual([0, 1]);
  }
  const dataset = await imageFolder(photos(), { split: 'train' });
  expect(() => dataset.nameOf?.(2)).toThrow('has no image 2');
});
