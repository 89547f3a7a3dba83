import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { readCached, writeCached } from './cache.js';
import { mapConcurrently } from './concurrent.js';
import { settledIdentity } from './identity.js';
import { Names } from './names.js';

export interface ListingOptions {
  /** Hears how many of the class folders that are not in the cache have been listed. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** A listing of more files than this is kept in the user's cache folder. */
  cacheAbove?: number;
}

/** The image files of one class folder, sorted. */
interface Listed {
  name: string;
  /** '' where it may have changed while it was listed. */
  identity: string;
  files: Names;
}

/** The image files of class folders. */
export interface Listing {
  /** For each class, sorted. */
  files: readonly Names[];
}

export const imageFile = /\.(jpe?g|png|webp|gif|tiff?|avif)$/i;
const kind = 'listings-1';
/** Enough to keep a network disk busy; a local one needs fewer. */
const concurrency = 16;

/**
 * Lists the images of class folders. A large listing is cached; a class folder is listed anew where its identity or one
 * of its times is not what it was.
 */
export async function listClasses(
  folder: string,
  classes: readonly string[],
  { onProgress, cacheAbove = 10_000 }: ListingOptions = {},
): Promise<Listing> {
  const key = await realpath(folder);
  const cached = await readListing(key);
  const identities = await mapConcurrently(classes, concurrency, (name) => settledIdentity(join(folder, name)));
  const isKnown = (index: number) => cached.get(classes[index] as string)?.identity === identities[index]?.identity;
  const total = classes.filter((_, index) => !isKnown(index)).length;
  let done = 0;
  const listed = await mapConcurrently(classes, concurrency, async (name, index): Promise<Listed> => {
    if (isKnown(index)) return cached.get(name) as Listed;
    const files = (await readdir(join(folder, name))).filter((file) => imageFile.test(file)).sort();
    done++;
    onProgress?.(done, total);
    const { identity = '', settled = false } = identities[index] ?? {};
    return { name, identity: settled ? identity : '', files: Names.from(files) };
  });
  const count = listed.reduce((sum, { files }) => sum + files.length, 0);
  const isNew = cached.size !== listed.length || listed.some((one) => cached.get(one.name) !== one);
  if (count > cacheAbove && isNew) await writeListing(key, listed);
  return { files: listed.map(({ files }) => files) };
}

interface Header {
  folder: string;
  classes: { name: string; identity: string; bytes: number }[];
}

/** A line of JSON, then the names. */
async function writeListing(folder: string, listed: readonly Listed[]): Promise<void> {
  const classes = listed.map(({ name, identity, files }) => ({ name, identity, bytes: files.bytes.length }));
  const header = `${JSON.stringify({ folder, classes } satisfies Header)}\n`;
  await writeCached(kind, folder, Buffer.concat([Buffer.from(header), ...listed.map(({ files }) => files.bytes)]));
}

async function readListing(folder: string): Promise<Map<string, Listed>> {
  const bytes = await readCached(kind, folder);
  try {
    return bytes === undefined ? new Map() : parsed(bytes, folder);
  } catch {
    return new Map();
  }
}

function parsed(bytes: Buffer, folder: string): Map<string, Listed> {
  const found = new Map<string, Listed>();
  const headerEnd = bytes.indexOf('\n') + 1;
  const header = JSON.parse(bytes.toString('utf8', 0, headerEnd)) as Header;
  if (header.folder !== folder) return found;
  let at = headerEnd;
  for (const { name, identity, bytes: length } of header.classes) {
    found.set(name, { name, identity, files: new Names(bytes.subarray(at, at + length)) });
    at += length;
  }
  return found;
}
