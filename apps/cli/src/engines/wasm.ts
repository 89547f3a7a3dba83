import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type EngineStatus, firstLine } from './status.js';

const load = createRequire(import.meta.url);

export async function probeWasm(): Promise<EngineStatus> {
  try {
    const { setWasmPaths, version_wasm: version } = await import('@tensorflow/tfjs-backend-wasm');
    setWasmPaths(join(dirname(load.resolve('@tensorflow/tfjs-backend-wasm')), '/'));
    await import('@bag/tfjs-wasm-training');
    return { name: 'wasm', available: true, version };
  } catch (error) {
    return { name: 'wasm', available: false, reason: firstLine(error), fix: 'run "npm ci" again' };
  }
}
