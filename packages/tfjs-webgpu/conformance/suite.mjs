// What run.mjs bundles: one copy of tfjs-core, this backend on it, and tfjs-core's own specs.
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util';

export { startWebGpu } from '../src/node.ts';

setTestEnvs([{ name: 'webgpu', backendName: 'webgpu', flags: {}, isDataSync: false }]);
// Specs are declared for the environments that are set by then.
require('@tensorflow/tfjs-core/dist/tests');
