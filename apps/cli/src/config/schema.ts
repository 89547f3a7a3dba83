import { z } from 'zod';

const count = z.int().min(1);
const share = z.number().min(0).max(1);

/** What the command line calls a precision. */
export const precisions = ['fp32', 'bf16', 'fp16'] as const;
export const backends = ['auto', 'tensorflow', 'wasm', 'cpu'] as const;
export const recipes = ['baseline', 'bag'] as const;

/** Everything that a run depends on. The resolved configuration is saved with the run. */
export const configSchema = z.strictObject({
  /** The defaults that the other keys override. */
  recipe: z.enum(recipes),
  /** Folder of images or CIFAR binaries; null for the embedded data set. */
  data: z.string().nullable(),
  /** The embedded data set: its size and looks. */
  synthetic: z.strictObject({
    classes: z.int().min(2).max(100),
    train: count,
    validation: count,
    /** Share of the training labels that are wrong. */
    labelNoise: share,
  }),
  model: z.string(),
  variant: z.enum(['a', 'b', 'c', 'd']),
  /** Height and width of the images as the network takes them, in pixels; null for the model's own. */
  imageSize: z.int().min(8).nullable(),
  shortcut: z.enum(['projection', 'pad']),
  initializer: z.enum(['xavier', 'kaiming']),
  zeroGamma: z.boolean(),
  epochs: count,
  /** Images per forward pass. */
  batch: count,
  /** Batches per optimiser step. */
  accumulate: count,
  seed: z.int().min(0),
  learningRate: z.strictObject({
    /** Rate for a batch of `baseBatch`; linear scaling gives the run's. */
    base: z.number().positive(),
    baseBatch: count,
    linearScaling: z.boolean(),
    /** Null for the paper's five, or a tenth of a run of less than fifty. */
    warmupEpochs: z.number().min(0).nullable(),
    schedule: z.enum(['constant', 'step', 'exponential', 'cosine']),
    /** Of `step`: where the rate is divided by ten, as shares of the run. */
    boundaries: z.array(share),
  }),
  momentum: z.number().min(0).lt(1),
  nesterov: z.boolean(),
  weightDecay: z.number().min(0),
  /** Decay weights only: no biases, γ or β. */
  noBiasDecay: z.boolean(),
  labelSmoothing: z.number().min(0).lt(1),
  mixup: z.strictObject({
    /** α of Beta(α, α); 0 turns mixup off. */
    alpha: z.number().min(0),
    per: z.enum(['batch', 'pair', 'element']),
    /** The last so many epochs train on unmixed images. */
    offEpochs: z.int().min(0),
  }),
  cutmix: z.strictObject({ alpha: z.number().min(0) }),
  distillation: z.strictObject({
    /** The folder of the teacher's run; null for no distillation. */
    teacher: z.string().nullable(),
    temperature: z.number().positive(),
    hardWeight: z.number().min(0),
    softWeight: z.number().min(0),
  }),
  precision: z.enum(precisions),
  /** Averages the weights: θ̄ ← d·θ̄ + (1 − d)·θ; 0 turns it off. */
  ema: z.strictObject({ decay: z.number().min(0).lt(1) }),
  colorJitter: z.enum(['official', 'paper', 'none']),
  /** An unreadable image stops the run at once, instead of being named, counted and skipped. */
  fatalImages: z.boolean(),
  /** Threads that decode images. */
  workers: z.int().min(0),
  backend: z.enum(backends),
});

export type Config = z.infer<typeof configSchema>;

type Loose<T> = T extends readonly unknown[] ? T : T extends object ? { [K in keyof T]?: Loose<T[K]> | undefined } : T;

/** What a file or the flags say: any part of the configuration. */
export type PartialConfig = Loose<Config>;
