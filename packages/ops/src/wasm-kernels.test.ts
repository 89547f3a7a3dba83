// The same goldens on the wasm backend's own training kernels instead of the compositions.
import '@bag/tfjs-wasm-training';
import './batch-norm.test.js';
import './cross-entropy.test.js';
import './depthwise-conv2d.test.js';
import './sgd-update.test.js';
