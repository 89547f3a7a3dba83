import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { extract } from 'tar';
import { type Catalogue, catalogue as published, type CatalogueEntry, type PublishedFile } from './catalogue.js';
import { download, type DownloadOptions } from './download.js';
import { md5Of } from './md5.js';
import { naming } from './transfer.js';

export interface GetDatasetOptions extends Pick<DownloadOptions, 'signal' | 'stallMs' | 'tries' | 'pauseMs'> {
  /** Where it goes; `data/<name>` by default. */
  folder?: string | undefined;
  /** A folder on the web with the same files, instead of the publisher's. */
  from?: string | undefined;
  /** Hears the bytes of all files that have arrived, and which file it is about. */
  onProgress?: ((received: number, total: number, file: string) => void) | undefined;
  catalogue?: Catalogue | undefined;
}

export interface GottenDataset {
  name: string;
  folder: string;
  /** Names in the folder. */
  files: string[];
  /** Bytes of the downloads. */
  bytes: number;
  /** Whether all was there and right. */
  alreadyThere: boolean;
}

interface StoredFile {
  name: string;
  size: number;
  md5: string;
}

/** What a folder holds, as it was when it was complete. */
interface Marker {
  name: string;
  /** Sums of the downloads that it came from. */
  sources: string[];
  files: StoredFile[];
}

const markerFile = 'bag-data.json';

/**
 * Downloads a well-known data set and verifies it by its publisher's sums: `cifar10`, `cifar100` (binary versions,
 * unpacked), `mnist` or `fashion-mnist` (as they are). A broken or interrupted download is gone on with; a data set that
 * is there is verified again.
 *
 * @throws DownloadError naming what cannot be had; Error naming what is not what its publisher has; what the file system
 * says, as it is; the signal's reason.
 * @example
 * const { folder } = await getDataset('cifar10');
 * const training = await openDataset(folder, { split: 'train' });
 */
export async function getDataset(
  name: string,
  { folder = join('data', name), from, onProgress, catalogue = published, ...options }: GetDatasetOptions = {},
): Promise<GottenDataset> {
  const entry = catalogue[name];
  if (entry === undefined) {
    throw new Error(`there is no data set ${name} to get; known are ${Object.keys(catalogue).join(', ')}`);
  }
  const bytes = entry.files.reduce((sum, { size }) => sum + size, 0);
  const marker = await readMarker(folder);
  if (marker !== undefined && marker.name !== name) {
    throw new Error(`${folder} holds ${marker.name}; name another folder for ${name}`);
  }
  if (marker !== undefined && (await isWhole(folder, marker, entry))) {
    return { name, folder, files: marker.files.map((file) => file.name), bytes, alreadyThere: true };
  }
  const places = from === undefined ? entry.places : [from];
  const stored: StoredFile[] = [];
  let before = 0;
  for (const file of entry.files) {
    const path = join(folder, file.name);
    await download({
      ...options,
      urls: places.map((place) => `${place.replace(/\/+$/, '')}/${file.name}`),
      path,
      md5: file.md5,
      size: file.size,
      onProgress: (received) => onProgress?.(before + received, bytes, file.name),
    });
    before += file.size;
    if (file.members === undefined) stored.push({ name: file.name, size: file.size, md5: file.md5 });
    else stored.push(...(await unpack(folder, { ...file, members: file.members })));
  }
  if (entry.classes !== undefined) {
    await writeFile(join(folder, 'classes.txt'), entry.classes.map((one) => `${one}\n`).join(''));
    stored.push(await describe(folder, 'classes.txt'));
  }
  await writeMarker(folder, { name, sources: entry.files.map(({ md5 }) => md5), files: stored });
  for (const { name: archive, members } of entry.files) {
    if (members !== undefined) await rm(join(folder, archive), { force: true });
  }
  return { name, folder, files: stored.map((file) => file.name), bytes, alreadyThere: false };
}

/** Takes what is expected from an archive, and nothing else, whatever it holds; all of it, or nothing. */
async function unpack(folder: string, { name, members }: Required<PublishedFile>): Promise<StoredFile[]> {
  const archive = join(folder, name);
  const unpacked = join(folder, '.unpacked');
  await rm(unpacked, { recursive: true, force: true });
  await mkdir(unpacked);
  try {
    await extract({
      file: archive,
      cwd: unpacked,
      strict: true,
      filter: (path, entry) => members.includes(path) && 'type' in entry && isFile(entry.type),
    }).catch((error: unknown) => {
      if (isOfFileSystem(error)) throw naming(unpacked, error as Error);
      throw new Error(`${archive} cannot be unpacked (${(error as Error).message}); remove it, and get it again`);
    });
    const stored: StoredFile[] = [];
    for (const member of members) {
      const isThere = await stat(join(unpacked, member)).catch(() => undefined);
      if (isThere === undefined) throw new Error(`${archive} has no ${member}; remove it, and get it again`);
    }
    for (const member of members) {
      await rename(join(unpacked, member), join(folder, basename(member)));
      stored.push(await describe(folder, basename(member)));
    }
    return stored;
  } finally {
    await rm(unpacked, { recursive: true, force: true });
  }
}

/** Those of a damaged archive come from no call of the system. */
const isOfFileSystem = (error: unknown) => error instanceof Error && 'syscall' in error;

const isFile = (type: string) => type === 'File' || type === 'OldFile';

async function describe(folder: string, name: string): Promise<StoredFile> {
  const path = join(folder, name);
  return { name, size: (await stat(path)).size, md5: await md5Of(path) };
}

async function isWhole(folder: string, { sources, files }: Marker, entry: CatalogueEntry): Promise<boolean> {
  if (entry.files.some(({ md5 }) => !sources.includes(md5))) return false;
  for (const { name, size, md5 } of files) {
    const found = await describe(folder, name).catch(() => undefined);
    if (found?.size !== size || found.md5 !== md5) return false;
  }
  return true;
}

async function readMarker(folder: string): Promise<Marker | undefined> {
  const text = await readFile(join(folder, markerFile), 'utf8').catch(() => '');
  try {
    const marker = JSON.parse(text) as Partial<Marker> | null;
    return Array.isArray(marker?.files) && Array.isArray(marker.sources) ? (marker as Marker) : undefined;
  } catch {
    return undefined;
  }
}

async function writeMarker(folder: string, marker: Marker): Promise<void> {
  const path = join(folder, markerFile);
  await writeFile(`${path}.part`, `${JSON.stringify(marker, null, 1)}\n`);
  await rename(`${path}.part`, path);
}
