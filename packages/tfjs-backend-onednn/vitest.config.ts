import { createRequire } from 'node:module';
import { mergeConfig } from 'vitest/config';
import shared from '../../tools/vitest.ts';

/** Why there is no addon to test, or undefined. One that is there but does not load fails the tests. */
function missing(): string | undefined {
  if (process.env['BAG_ONEDNN_ADDON'] !== undefined) return undefined;
  const nodeGypBuild = createRequire(import.meta.url)('node-gyp-build') as { resolve(folder: string): string };
  try {
    nodeGypBuild.resolve(import.meta.dirname);
    return undefined;
  } catch (error) {
    return (error as Error).message.split('\n')[0];
  }
}

const reason = missing();
if (reason !== undefined) console.error(`@bag/tfjs-backend-onednn: tests skipped: ${reason}`);

export default reason === undefined
  ? shared
  : mergeConfig(shared, { test: { exclude: ['**'], passWithNoTests: true } });
