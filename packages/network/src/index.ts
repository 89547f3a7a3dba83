export {
  type Activation,
  type Architecture,
  type ConvUnit,
  convUnits,
  imagesNode,
  type Node,
  nodeSizes,
  type Pair,
} from './architecture.js';
export { countActivations, countMultiplyAdds, countParameters } from './count.js';
export { freeze, frozenNames, matchesName } from './freeze.js';
export { createNetwork, type CreateOptions } from './create.js';
export { type Initializer, kaimingNormal, xavierUniform } from './initializers.js';
export { type ApplyOptions, Network } from './network.js';
export { createParameters, type Parameter, parameterShapes, type Role } from './parameters.js';
