import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** The folder of the configurations that come with the program; this file lies one folder below the package's root. */
export const shippedConfigs = fileURLToPath(new URL('../configs', import.meta.url));

/** By these names they are called. */
export async function shippedNames(): Promise<string[]> {
  const files = await readdir(shippedConfigs, { recursive: true });
  return files
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length).replaceAll('\\', '/'))
    .sort();
}
