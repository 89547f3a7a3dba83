import { fileURLToPath } from 'node:url';

/** The folder of the configurations that come with the program; this file lies one folder below the package's root. */
export const shippedConfigs = fileURLToPath(new URL('../configs', import.meta.url));
