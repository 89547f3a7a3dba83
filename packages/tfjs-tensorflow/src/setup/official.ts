import { rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { run } from './run.js';

/** Where tfjs-node's own installation gets its library and its addon from. */
const host = 'https://storage.googleapis.com/';

/** Runs tfjs-node's own installation script, if its host can be reached; false where that brings nothing. */
export async function officialDownload(folder: string): Promise<boolean> {
  if (!(await reachable())) return false;
  const { ok } = await run(process.execPath, ['scripts/install.js'], { folder, limitMs: 600_000 });
  if (!ok) rmSync(join(folder, 'deps'), { recursive: true, force: true });
  return ok;
}

async function reachable(): Promise<boolean> {
  try {
    await fetch(host, { method: 'HEAD', signal: AbortSignal.timeout(5_000) });
    return true;
  } catch {
    return false;
  }
}
