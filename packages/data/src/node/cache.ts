import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The user's folder for what can be made anew: `BAG_CACHE`, or `bag` in the system's own. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env, platform = process.platform): string {
  const { BAG_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = env;
  if (BAG_CACHE) return BAG_CACHE;
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, 'bag');
  if (platform === 'win32') return join(LOCALAPPDATA || join(homedir(), 'AppData', 'Local'), 'bag', 'Cache');
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'bag');
  return join(homedir(), '.cache', 'bag');
}

const hashBytes = 32;
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
const fileOf = (kind: string, key: string) =>
  join(cacheFolder(), kind, hashOf(Buffer.from(key)).toString('hex').slice(0, 32));

/** What was kept under a key; undefined where there is nothing, or nothing whole. Never fails: a cache is a help only. */
export async function readCached(kind: string, key: string): Promise<Buffer | undefined> {
  const bytes = await readFile(fileOf(kind, key)).catch(() => undefined);
  if (bytes === undefined || bytes.length < hashBytes) return undefined;
  const content = bytes.subarray(hashBytes);
  return hashOf(content).equals(bytes.subarray(0, hashBytes)) ? content : undefined;
}

/** Keeps bytes under a key: the whole file appears at once, or none. Never fails. */
export async function writeCached(kind: string, key: string, content: Uint8Array): Promise<void> {
  const file = fileOf(kind, key);
  const unfinished = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(unfinished, [hashOf(content), content]);
    await rename(unfinished, file);
  } catch {
    await rm(unfinished, { force: true }).catch(() => undefined);
  }
}
