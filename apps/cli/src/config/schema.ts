import { z } from 'zod';
import { engineChoices } from '../engines/names.js';

const count = z.int().min(1);
const share = z.number().min(0).max(1);
// As far as the dynamic one goes, and no further than float32 does.
const [leastScale, mostScale] = [2 ** -14, 2 ** 127];
const expectedScale = 'expected dynamic, or a number from 2⁻¹⁴ to 2¹²⁷ such as 128';

/** What the command line calls a precision. */
export const precisions = ['fp32', 'bf16', 'fp16'] as const;
export const recipes = ['baseline', 'bag'] as const;
/** The name under which a study's row asks for the teacher that the study trains. */
export const ownTeacher = 'study';

/** Everything that a run depends on. The resolved configuration is saved with the run. */
export const configSchema = z.strictObject({
  recipe: z.enum(recipes).describe('the defaults that the other keys override'),
  data: z
    .string()
    .nullable()
    .describe('folder of images, tar shards, CIFAR or MNIST files; null for the embedded data set'),
  synthetic: z
    .strictObject({
      classes: z.int().min(2).max(100),
      train: count.describe('training images'),
      validation: count.describe('validation images'),
      seed: z.int().min(0).describe('of the drawing; the run has a seed of its own'),
      labelNoise: share.describe('share of the training labels that are wrong'),
    })
    .describe('the embedded data set: its size and looks'),
  model: z.string().describe('name of a model: see "bag models"'),
  variant: z.enum(['a', 'b', 'c', 'd']).describe('ResNet variant'),
  imageSize: z
    .int()
    .min(8)
    .nullable()
    .describe("height and width of the images as the network takes them, in pixels; null for the model's own"),
  deepStem: z
    .boolean()
    .nullable()
    .describe('of ImageNet ResNets: whether the stem is three 3×3 convolutions; null as the variant has it'),
  stemWidth: count
    .nullable()
    .describe("channels of the deep stem's first two convolutions; its last has twice as many; null for 32"),
  averagePoolShortcut: z
    .boolean()
    .nullable()
    .describe('of ImageNet ResNets: whether shortcuts pool before their 1×1 convolution; null as the variant has it'),
  activation: z
    .enum(['relu', 'relu6'])
    .nullable()
    .describe('of MobileNet; null for relu, and for relu6 where the model is called mobilenetv1_100'),
  shortcut: z.enum(['projection', 'pad']).describe('shortcuts of the CIFAR family: 1×1 convolutions, or no parameters'),
  initializer: z.enum(['xavier', 'kaiming']).describe('how weights start'),
  zeroGamma: z.boolean().describe('whether the last γ of each residual block starts at 0'),
  init: z
    .string()
    .nullable()
    .describe('weights to start from: a run, or a file of PyTorch, safetensors or MXNet; null for fresh ones'),
  freeze: z
    .array(z.string())
    .describe('parameters that stay as they are, BatchNorm statistics too: names with *, such as layer1.*'),
  rateScale: z
    .record(z.string(), z.number().min(0))
    .describe('multiplies the learning rate of parameters by name: {"layer1.*": 0.1}; the first that matches counts'),
  epochs: count.describe('passes over the training images'),
  batch: count.describe('images per forward pass'),
  accumulate: count.describe('batches per optimiser step'),
  seed: z.int().min(0).describe('of everything random'),
  learningRate: z
    .strictObject({
      base: z.number().positive().describe('rate for a batch of baseBatch'),
      baseBatch: count.describe('the batch that the base rate is for'),
      linearScaling: z.boolean().describe('whether the rate grows with the batch: base · batch / baseBatch'),
      warmupEpochs: z
        .number()
        .min(0)
        .nullable()
        .describe("epochs of warmup; null for the paper's five, or a tenth of a run of less than fifty"),
      schedule: z.enum(['constant', 'step', 'exponential', 'cosine']).describe('how the rate falls after the warmup'),
      boundaries: z.array(share).describe('of step: where the rate is divided by ten, as shares of the run'),
    })
    .describe('the learning rate and its schedule'),
  momentum: z.number().min(0).lt(1),
  nesterov: z.boolean().describe("Nesterov's momentum"),
  weightDecay: z.number().min(0).describe('coefficient of the L2 penalty'),
  noBiasDecay: z.boolean().describe('decay weights only: no biases, γ or β'),
  labelSmoothing: z.number().min(0).lt(1).describe('ε of label smoothing; 0 turns it off'),
  mixup: z
    .strictObject({
      alpha: z.number().min(0).describe('α of Beta(α, α); 0 turns mixup off'),
      per: z.enum(['batch', 'pair', 'element']).describe('what one λ is drawn for'),
      offEpochs: z.int().min(0).describe('the last so many epochs train on unmixed images'),
    })
    .describe('mixes pairs of images and their labels'),
  cutmix: z
    .strictObject({ alpha: z.number().min(0).describe('α of Beta(α, α); 0 turns CutMix off') })
    .describe("pastes a box of one image into another, and mixes the labels by the box's area"),
  distillation: z
    .strictObject({
      teacher: z.string().nullable().describe("folder of the teacher's run; null for no distillation"),
      temperature: z.number().positive().describe('T of the softened probabilities'),
      hardWeight: z.number().min(0).describe("weight of the labels' loss"),
      softWeight: z.number().min(0).describe("weight of the teacher's loss, which carries T² besides"),
    })
    .describe('learning from a larger network'),
  precision: z
    .enum(precisions)
    .describe(
      'of activations and their gradients; left out, bf16 with the recipe bag where training steps are measured to be faster in it, else fp32',
    ),
  lossScale: z
    .union(
      [z.literal('dynamic'), z.number().min(leastScale, expectedScale).max(mostScale, expectedScale)],
      expectedScale,
    )
    .describe('what the loss of an fp16 run is multiplied by: dynamic, or a number that stays; 1 turns it off'),
  ema: z
    .strictObject({ decay: z.number().min(0).lt(1).describe('d of θ̄ ← d·θ̄ + (1 − d)·θ; 0 turns it off') })
    .describe('averages the weights'),
  normalization: z
    .enum(['paper', 'torchvision', 'inception'])
    .describe(
      "mean and deviation of colours: the paper's (CIFAR's own on small images), or those that pretrained weights want",
    ),
  orientation: z
    .enum(['exif', 'stored'])
    .describe('whether photographs are turned as their EXIF data say, or stay as torchvision reads them'),
  interpolation: z
    .enum(['bilinear', 'bicubic'])
    .describe("how large images are resized to validate on; timm's gluon weights want bicubic"),
  colorJitter: z.enum(['official', 'paper', 'none']).describe('how colours of large images are changed'),
  fatalImages: z
    .boolean()
    .describe('an unreadable image stops the run at once, instead of being named, counted and skipped'),
  workers: z.int().min(0).describe('threads that decode images'),
  backend: z.enum(engineChoices).describe('engine: see "bag doctor"'),
});

export type Config = z.infer<typeof configSchema>;

type Loose<T> = T extends readonly unknown[] ? T : T extends object ? { [K in keyof T]?: Loose<T[K]> | undefined } : T;

/** What a file or the flags say: any part of the configuration. */
export type PartialConfig = Loose<Config>;
