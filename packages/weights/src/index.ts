export { fitWeights, type FitOptions, type FittedWeights } from './fit.js';
export { torchWeights } from './layout.js';
export { parseMxnet } from './mxnet.js';
export type { ExpectedParameter } from './names/step.js';
export { type Layout, readWeights, type Weights } from './read.js';
export { parseSafetensors, type SafetensorsFile, safetensorsParts, serializeSafetensors } from './safetensors.js';
export type { StoredTensor } from './stored.js';
export { parseTorch, type ParsedWeights } from './torch.js';
