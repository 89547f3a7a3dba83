export { beta, integer, normal, permutation, type Uniform } from './distributions.js';
export { type Block, type Key, philox4x32 } from './philox.js';
export { createRandom, type Random, type RandomOptions } from './random.js';
