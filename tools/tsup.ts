import { defineConfig } from 'tsup';

/** The build that every package shares: ESM and CJS, types for each, source maps. */
export function library(entry: string[]) {
  return defineConfig({
    entry,
    format: ['esm', 'cjs'],
    target: 'es2022',
    dts: true,
    sourcemap: true,
    clean: true,
    silent: true,
    // `import.meta.url` in the CJS build too.
    shims: true,
  });
}
