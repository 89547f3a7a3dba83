import { open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { readCached, writeCached } from './cache.js';
import { mapConcurrently } from './concurrent.js';
import { settledIdentity } from './identity.js';
import type { ShardFiles } from './shard-files.js';
import { type Shard, shardOf, type ShardRecord } from './shard-index.js';
import { tarMembers, type TarMember, windowed } from './tar-file.js';

export interface SearchOptions {
  /** Hears how many of the shards that are not in the cache have been searched. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** The places of more images than this are kept in the user's cache folder. */
  cacheAbove?: number;
}

type Found = ShardRecord & { identity: string };

const kind = 'shards-1';
const shardsAtATime = 8;

/**
 * Finds the images of shards without an index, by the headers in them. What was found in many is cached; a shard whose
 * identity, size or times are not what they were is searched anew.
 */
export async function searchShards(
  { folder, files }: ShardFiles,
  { onProgress, cacheAbove = 10_000 }: SearchOptions = {},
): Promise<Shard[]> {
  const key = [await realpath(folder), ...files].join('\n');
  const cached = await readFound(key);
  const identities = await mapConcurrently(files, shardsAtATime, (file) => settledIdentity(join(folder, file)));
  const isKnown = (index: number) => cached.get(files[index] as string)?.identity === identities[index]?.identity;
  const total = files.filter((_, index) => !isKnown(index)).length;
  let done = 0;
  const found = await mapConcurrently(files, shardsAtATime, async (file, index): Promise<Found> => {
    if (isKnown(index)) return cached.get(file) as Found;
    const record = await searchShard(folder, file);
    done++;
    onProgress?.(done, total);
    const { identity = '', settled = false } = identities[index] ?? {};
    return { ...record, identity: settled ? identity : '' };
  });
  const count = found.reduce((sum, { labels }) => sum + labels.length, 0);
  if (count > cacheAbove && found.some((one) => cached.get(one.file) !== one)) {
    await writeCached(kind, key, Buffer.from(JSON.stringify(found)));
  }
  return found.map((record) => shardOf(record));
}

async function readFound(key: string): Promise<Map<string, Found>> {
  const bytes = await readCached(kind, key);
  try {
    const found = bytes === undefined ? [] : (JSON.parse(bytes.toString()) as Found[]);
    return new Map(found.map((one) => [one.file, one]));
  } catch {
    return new Map();
  }
}

const imageExtensions = ['jpg', 'jpeg', 'png', 'webp'];
const labelExtensions = ['cls', 'cls.txt'];

/** Neighbours of one name up to the first dot are one sample. */
async function searchShard(folder: string, file: string): Promise<ShardRecord> {
  const path = join(folder, file);
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const read = windowed(handle);
    const record: ShardRecord = { file, bytes: size, offsets: [], sizes: [], labels: [], names: '' };
    const names: string[] = [];
    const add = async (key: string, parts: ReadonlyMap<string, TarMember>) => {
      const [image, label] = [partOf(parts, imageExtensions), partOf(parts, labelExtensions)];
      if (image === undefined || label === undefined) {
        const missing = image === undefined ? 'no image (.jpg, .jpeg, .png, .webp)' : 'no label (.cls, a whole number)';
        const present = [...parts.keys()].map((extension) => `.${extension}`).join(', ');
        throw new Error(`${path}: the sample ${key} has ${missing}, only ${present}`);
      }
      const text = (await read(label.offset, label.size)).toString('utf8').trim();
      if (!/^\d{1,9}$/.test(text)) {
        throw new Error(
          `${path}: the label of the sample ${key} is "${text.slice(0, 20)}"; a whole number is expected`,
        );
      }
      record.offsets.push(image.offset);
      record.sizes.push(image.size);
      record.labels.push(Number(text));
      names.push(`${key}\0`);
    };
    let [key, parts] = ['', new Map<string, TarMember>()];
    for await (const member of tarMembers(path, size, read)) {
      const [, stem, extension] = /^((?:.*\/)?[^./][^./]*)\.([^/]+)$/.exec(member.name) ?? [];
      if (stem === undefined || extension === undefined) continue;
      if (stem !== key && parts.size > 0) {
        await add(key, parts);
        parts = new Map();
      }
      key = stem;
      parts.set(extension.toLowerCase(), member);
    }
    if (parts.size > 0) await add(key, parts);
    if (names.length === 0) throw new Error(`${path} holds no samples (key.jpg and key.cls)`);
    record.names = names.join('');
    return record;
  } finally {
    await handle.close();
  }
}

function partOf(parts: ReadonlyMap<string, TarMember>, extensions: readonly string[]): TarMember | undefined {
  const extension = extensions.find((one) => parts.has(one));
  return extension === undefined ? undefined : parts.get(extension);
}
