export {
  type ArchitectureOptions,
  blockEnds,
  cifarArchitecture,
  cifarDepths,
  imageNetArchitecture,
  type ImageNetArchitectureOptions,
  imageNetDepths,
  type Variant,
} from './architecture.js';
export { cifarResnet, type CifarResNetOptions, resnet, type ResNetOptions } from './resnet.js';
export { variantNotes } from './variant-notes.js';
export { zeroGamma } from './zero-gamma.js';
