export {
  type Architecture,
  type ArchitectureOptions,
  type Block,
  cifarArchitecture,
  cifarDepths,
  type ConvUnit,
  convUnits,
  imageNetArchitecture,
  imageNetDepths,
  type Shortcut,
  type Variant,
} from './architecture.js';
export { countActivations, countMultiplyAdds, countParameters } from './count.js';
export { type Initializer, kaimingNormal, xavierUniform } from './initializers.js';
export { type ModelInfo, models, parseModelName } from './models.js';
export { type ApplyOptions, ResNet } from './network.js';
export { createParameters, type Parameter, parameterShapes, type Role } from './parameters.js';
export { cifarResnet, type CifarResNetOptions, resnet, type ResNetOptions } from './resnet.js';
export { zeroGamma } from './zero-gamma.js';
