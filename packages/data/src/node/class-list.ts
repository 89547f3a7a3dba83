import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The lines of a list of class names, by default `classes.txt`, where there is one; empty lines do not count. */
export async function classList(folder: string, file = 'classes.txt'): Promise<string[] | undefined> {
  const text = await readFile(join(folder, file), 'utf8').catch(() => undefined);
  return text
    ?.split('\n')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

export const numbered = (count: number): string[] => Array.from({ length: count }, (_, label) => String(label));
