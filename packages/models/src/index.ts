export { inceptionV3, inceptionV3Architecture, type InceptionV3ArchitectureOptions } from './inception-v3.js';
export { mobileNet, mobileNetArchitecture, type MobileNetArchitectureOptions } from './mobilenet.js';
export {
  createModel,
  modelArchitecture,
  type ModelInfo,
  type ModelName,
  type ModelOptions,
  models,
  parseModelName,
  unusedOptions,
} from './models.js';
