import type { Config } from './schema.js';

const baseline: Config = {
  recipe: 'baseline',
  data: null,
  synthetic: { classes: 10, train: 2000, validation: 1000, seed: 0, labelNoise: 0.05 },
  model: 'resnet20',
  variant: 'b',
  imageSize: null,
  deepStem: null,
  stemWidth: null,
  averagePoolShortcut: null,
  activation: null,
  shortcut: 'projection',
  initializer: 'xavier',
  zeroGamma: false,
  init: null,
  freeze: [],
  rateScale: {},
  epochs: 30,
  batch: 128,
  accumulate: 1,
  seed: 0,
  learningRate: {
    base: 0.1,
    baseBatch: 256,
    linearScaling: false,
    warmupEpochs: 0,
    schedule: 'step',
    // The paper divides at epochs 30, 60 and 90 of 120.
    boundaries: [0.25, 0.5, 0.75],
  },
  momentum: 0.9,
  nesterov: true,
  weightDecay: 1e-4,
  noBiasDecay: false,
  labelSmoothing: 0,
  mixup: { alpha: 0, per: 'batch', offEpochs: 0 },
  cutmix: { alpha: 0 },
  distillation: { teacher: null, temperature: 20, hardWeight: 1, softWeight: 1 },
  precision: 'fp32',
  lossScale: 'dynamic',
  ema: { decay: 0 },
  normalization: 'paper',
  orientation: 'exif',
  interpolation: 'bilinear',
  colorJitter: 'official',
  fatalImages: false,
  workers: 2,
  backend: 'auto',
};

/**
 * Complete configurations to start from: the paper's baseline, and the whole bag but for what needs more than a flag (a
 * teacher) or goes by the engine (mixed precision).
 */
export const recipeDefaults: Record<Config['recipe'], Config> = {
  baseline,
  bag: {
    ...baseline,
    recipe: 'bag',
    variant: 'd',
    zeroGamma: true,
    learningRate: { ...baseline.learningRate, linearScaling: true, warmupEpochs: null, schedule: 'cosine' },
    noBiasDecay: true,
    labelSmoothing: 0.1,
    mixup: { alpha: 0.2, per: 'batch', offEpochs: 0 },
  },
};
