import { type Architecture, countActivations, countMultiplyAdds, countParameters, parameterShapes } from '@bag/network';
import { blockEnds } from '@bag/resnet-variants';
import type { Config } from './config/schema.js';
import { epochOf } from './epoch.js';
import { architectureOf, frozenParameters, idleOptions, imageSizeOf, modelTitle } from './network.js';
import { parameterGroups } from './parameter-groups.js';
import { shownPath } from './paths.js';
import { plot } from './plot.js';
import { scheduleOf, warmupOf } from './recipe.js';
import { some } from './some.js';

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
  /** Names of the tensors that do not learn. */
  frozen: string[];
  /** Names of the BatchNorms whose γ starts at zero. */
  zeroGamma: string[];
  /** Bytes of weights, gradients, momentum and averages, and of what a batch saves for its backward pass. */
  memory: { weights: number; activations: number };
  /** η of evenly spaced steps. */
  rates: number[];
  /** η where something happens: at the start, at the end of the warmup, where the rate is divided, at the end. */
  rateAt: { step: number; epoch: number; rate: number }[];
  /** What is done with the weights to start from, a line each. */
  weights: string[];
  /** What is configured and does nothing. */
  warnings: string[];
}

/** @param weights What is known of the weights to start from. */
export function planOf(
  config: Config,
  sizes: { classes: number; train: number; validation: number },
  weights: string[] = [],
): Plan {
  const { classes, train, validation } = sizes;
  const architecture = architectureOf(config, classes);
  const { steps: stepsPerEpoch } = epochOf(config, train);
  const steps = config.epochs * stepsPerEpoch;
  const all = parameterShapes(architecture).filter(({ role }) => !role.startsWith('running'));
  const frozen = frozenParameters(config, all);
  const groups = parameterGroups(
    config,
    all.filter(({ name }) => !frozen.includes(name)),
  );
  const names = (decay: boolean) =>
    groups.filter(({ weightDecay }) => weightDecay > 0 === decay).flatMap(({ parameters }) => parameters.map(nameOf));
  const schedule = scheduleOf(config, stepsPerEpoch);
  return {
    classes,
    images: { train, validation },
    parameters: countParameters(architecture),
    multiplyAdds: countMultiplyAdds(architecture, imageSizeOf(config)),
    stepsPerEpoch,
    steps,
    decayed: names(true),
    undecayed: names(false),
    frozen,
    zeroGamma:
      config.zeroGamma && config.init === null ? blockEnds(architecture).map(({ batchNorm }) => batchNorm) : [],
    memory: memoryOf(config, architecture),
    rates: Array.from({ length: 60 }, (_, i) => schedule(Math.min(steps - 1, Math.floor((i / 59) * (steps - 1))))),
    rateAt: chosenSteps(config, stepsPerEpoch).map((step) => ({
      step,
      epoch: Math.floor(step / stepsPerEpoch),
      rate: schedule(step),
    })),
    weights,
    warnings: idleOptions(config),
  };
}

const nameOf = ({ name }: { name: string }) => name;

function memoryOf(config: Config, architecture: Architecture): Plan['memory'] {
  const all = countParameters(architecture);
  const frozen = new Set(frozenOf(config, architecture));
  const trained = parameterShapes(architecture)
    .filter(({ name, role }) => !role.startsWith('running') && !frozen.has(name))
    .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  return {
    // Gradients and momentum are of what learns.
    weights: 4 * (all + 2 * trained + (config.ema.decay > 0 ? all : 0)),
    activations: config.batch * activationBytes(config, architecture),
  };
}

const frozenOf = (config: Config, architecture: Architecture) =>
  frozenParameters(config, parameterShapes(architecture));

/** What the backward pass of one image keeps, in bytes. */
export function activationBytes(config: Config, architecture: Architecture): number {
  const bytesPerActivation = config.precision === 'fp32' ? 4 : 2;
  return bytesPerActivation * countActivations(architecture, imageSizeOf(config), frozenOf(config, architecture));
}

function chosenSteps(config: Config, stepsPerEpoch: number): number[] {
  const { schedule, boundaries } = config.learningRate;
  const steps = config.epochs * stepsPerEpoch;
  const warmupSteps = Math.round(warmupOf(config) * stepsPerEpoch);
  const shares = schedule === 'step' ? boundaries : [0.25, 0.5, 0.75];
  const chosen = [
    0,
    ...(warmupSteps > 0 ? [warmupSteps - 1] : []),
    ...shares.map((share) => Math.round(share * steps)),
    steps - 1,
  ];
  return [...new Set(chosen)].filter((step) => step < steps).sort((a, b) => a - b);
}

/** The plan as a person reads it. */
export function describePlan(config: Config, plan: Plan): string {
  const { images, memory, decayed, undecayed, frozen, zeroGamma } = plan;
  const { batch, accumulate, epochs, weightDecay, distillation } = config;
  const stepSize =
    accumulate === 1 ? `${batch} images` : `${batch * accumulate} images, ${accumulate} batches of ${batch}`;
  const source = config.data === null ? 'the embedded data set' : shownPath(config.data);
  const lines: [string, string][] = [
    ['data', `${source}: ${plan.classes} classes, ${images.train} training and ${images.validation} validation images`],
    [
      'model',
      `${modelTitle(config)}: ${plan.parameters.toLocaleString('en-US')} parameters, ${(plan.multiplyAdds / 1e6).toFixed(1)} million multiply-adds an image`,
    ],
    ...plan.weights.map((note, i) => [i === 0 ? 'start' : '', note] satisfies [string, string]),
    ['steps', `${plan.steps}: ${epochs} epochs of ${plan.stepsPerEpoch}, of ${stepSize}`],
    [
      'weight decay',
      `${weightDecay} on ${decayed.length} of ${decayed.length + undecayed.length} tensors${without(undecayed)}`,
    ],
    ...(frozen.length === 0
      ? []
      : [
          ['frozen', `${frozen.length} tensor${frozen.length === 1 ? '' : 's'}: ${some(frozen)}`] satisfies [
            string,
            string,
          ],
        ]),
    ['zero γ', zeroGamma.length === 0 ? 'none' : `${zeroGamma.length} BatchNorms: ${some(zeroGamma)}`],
    ...(distillation.teacher === null ? [] : [['teacher', distillation.teacher] satisfies [string, string]]),
    [
      'memory',
      `about ${mebibytes(memory.weights + memory.activations)}: ${mebibytes(memory.activations)} of activations, ${mebibytes(memory.weights)} of weights, gradients and momentum`,
    ],
  ];
  const text = [...plan.warnings, ...lines.map(([key, value]) => `${key.padEnd(13)}${value}`)];
  const rates = plan.rateAt.map(
    ({ step, epoch, rate }) => `${' '.repeat(13)}step ${step} (epoch ${epoch + 1}): ${Number(rate.toPrecision(4))}`,
  );
  return [...text, 'learning rate', ...rates, plot(plan.rates)].join('\n');
}

const without = (names: readonly string[]) => (names.length === 0 ? '' : `; not on ${some(names)}`);
const mebibytes = (bytes: number): string => `${Math.max(1, Math.round(bytes / 2 ** 20)).toLocaleString('en-US')} MiB`;
