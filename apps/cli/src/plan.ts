import { batchCount } from '@bag/data';
import { noBiasDecay } from '@bag/regularizers';
import { countActivations, countMultiplyAdds, countParameters, parameterShapes } from '@bag/resnet-variants';
import type { Config } from './config/schema.js';
import { architectureOf, imageSizeOf } from './network.js';
import { shownPath } from './paths.js';
import { plot } from './plot.js';
import { scheduleOf } from './recipe.js';

/** What a run would do. */
export interface Plan {
  classes: number;
  images: { train: number; validation: number };
  parameters: number;
  /** Of one forward pass. */
  multiplyAdds: number;
  stepsPerEpoch: number;
  steps: number;
  /** Names of the tensors that decay, and of those that do not. */
  decayed: string[];
  undecayed: string[];
  /** Names of the BatchNorms whose γ starts at zero. */
  zeroGamma: string[];
  /** Bytes of weights, gradients, momentum and averages, and of what a step saves for its backward pass. */
  memory: { weights: number; activations: number };
  /** η of evenly spaced steps. */
  rates: number[];
}

export function planOf(config: Config, sizes: { classes: number; train: number; validation: number }): Plan {
  const { classes, train, validation } = sizes;
  const architecture = architectureOf(config, classes);
  const perEpoch = batchCount(train, config.batch, train >= config.batch);
  const stepsPerEpoch = Math.ceil(perEpoch / config.accumulate);
  const steps = config.epochs * stepsPerEpoch;
  const trainable = parameterShapes(architecture).filter(({ role }) => !role.startsWith('running'));
  const groups = config.noBiasDecay ? noBiasDecay(trainable, { weightDecay: config.weightDecay }) : undefined;
  const schedule = scheduleOf(config, stepsPerEpoch);
  const parameters = countParameters(architecture);
  const size = imageSizeOf(config);
  return {
    classes,
    images: { train, validation },
    parameters,
    multiplyAdds: countMultiplyAdds(architecture, size),
    stepsPerEpoch,
    steps,
    decayed: (groups?.[0].parameters ?? trainable).map(({ name }) => name),
    undecayed: (groups?.[1].parameters ?? []).map(({ name }) => name),
    zeroGamma: config.zeroGamma ? architecture.blocks.map(({ units }) => units.at(-1)?.batchNorm ?? '') : [],
    memory: {
      weights: 4 * parameters * (config.ema.decay > 0 ? 4 : 3),
      activations: 4 * config.batch * countActivations(architecture, size),
    },
    rates: Array.from({ length: 60 }, (_, i) => schedule(Math.min(steps - 1, Math.floor((i / 59) * (steps - 1))))),
  };
}

/** The plan as a person reads it. */
export function describePlan(config: Config, plan: Plan): string {
  const { images, memory, decayed, undecayed, zeroGamma } = plan;
  const lines: [string, string][] = [
    [
      'data',
      `${config.data === null ? 'the embedded data set' : shownPath(config.data)}: ${plan.classes} classes, ${images.train} training and ${images.validation} validation images`,
    ],
    [
      'model',
      `${config.model} ${config.variant}: ${plan.parameters.toLocaleString('en-US')} parameters, ${(plan.multiplyAdds / 1e6).toFixed(1)} million multiply-adds an image`,
    ],
    ['steps', `${plan.steps}: ${config.epochs} epochs of ${plan.stepsPerEpoch}`],
    ['weight decay', `${config.weightDecay} on ${decayed.length} of ${decayed.length + undecayed.length} tensors`],
    [
      'zero γ',
      zeroGamma.length === 0
        ? 'none'
        : `${zeroGamma.length} BatchNorms: ${zeroGamma.slice(0, 3).join(', ')}${zeroGamma.length > 3 ? ', …' : ''}`,
    ],
    [
      'memory',
      `about ${mebibytes(memory.weights + memory.activations)}: ${mebibytes(memory.activations)} of activations, ${mebibytes(memory.weights)} of weights, gradients and momentum`,
    ],
  ];
  const text = lines.map(([key, value]) => `${key.padEnd(13)}${value}`);
  return [...text, 'learning rate', plot(plan.rates)].join('\n');
}

const mebibytes = (bytes: number): string => `${Math.max(1, Math.round(bytes / 2 ** 20)).toLocaleString('en-US')} MiB`;
