// What run.mjs bundles: one copy of tfjs-core, the backend on it, and tfjs-core's own specs.
import { engine } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util';
import { memory } from '../src/index.ts';

setTestEnvs([{ name: 'onednn', backendName: 'onednn', flags: {}, isDataSync: true }]);
// Specs are declared for the environments that are set by then.
require('@tensorflow/tfjs-core/dist/tests');

/** Native blocks where no tensor is left. A tensor may have several: a filter's copies in other layouts hang on it. */
export function lostBlocks() {
  return engine().state.numDataBuffers > 0 ? 0 : memory().blocksInUse;
}
