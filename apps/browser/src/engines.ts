import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import '@bag/tfjs-wasm-training';
import { whyNoWebGpu } from '@bag/tfjs-webgpu';

/** The engines of a browser, the likely fastest first; the last one runs everywhere. */
export const engineNames = ['webgpu', 'webgl', 'wasm', 'cpu'] as const;
export type EngineName = (typeof engineNames)[number];

/** An engine cannot start here; the message says why, in a sentence for people. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
}

setWasmPaths('./wasm/');

/**
 * Makes an engine current.
 * @throws EngineError where the browser or the machine lacks what it needs.
 */
export async function startEngine(name: EngineName): Promise<void> {
  const lacking = await whatIsLacking(name);
  if (lacking !== undefined) throw new EngineError(lacking);
  let started: boolean;
  try {
    started = await tf.setBackend(name);
    await tf.ready();
  } catch (error) {
    throw new EngineError(`${name} does not start: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  if (!started) throw new EngineError(`${name} does not start; the browser’s console says why`);
}

/** Why an engine cannot start; undefined where nothing speaks against it. */
export async function whatIsLacking(name: EngineName): Promise<string | undefined> {
  if (name === 'webgl') return webglLacks();
  if (name === 'webgpu') return whyNoWebGpu();
  if (name === 'wasm' && typeof WebAssembly === 'undefined') return 'this browser has no WebAssembly';
  return undefined;
}

function webglLacks(): string | undefined {
  const context = document.createElement('canvas').getContext('webgl2');
  if (context === null) return 'no WebGL2 here: the browser has none, or graphics acceleration is switched off';
  const floats = context.getExtension('EXT_color_buffer_float');
  // Browsers keep few contexts alive, and the engine will want one of its own.
  context.getExtension('WEBGL_lose_context')?.loseContext();
  if (floats === null)
    return 'WebGL2 here cannot store 32-bit floats (EXT_color_buffer_float), too little to train with';
  return undefined;
}
