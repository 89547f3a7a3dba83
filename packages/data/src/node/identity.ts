import { stat } from 'node:fs/promises';

/** Which file or folder it is and when it last changed, as text. */
export type Identity = string;

/**
 * The identity of a file or folder; undefined while it is so young that one more change might leave its times as they
 * are, since clocks of file systems tick coarsely. What was read of it by then must not be kept.
 */
export async function settledIdentity(path: string): Promise<{ identity: Identity; settled: boolean }> {
  const nowMs = Date.now();
  const { dev, ino, size, mtimeNs, ctimeNs, mtimeMs, ctimeMs } = await stat(path, { bigint: true });
  const youngest = Number(mtimeMs > ctimeMs ? mtimeMs : ctimeMs);
  return {
    identity: [dev, ino, size, mtimeNs, ctimeNs].join(' '),
    settled: nowMs - youngest > settledMs,
  };
}

const settledMs = 2000;
