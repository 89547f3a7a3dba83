import {
  type Architecture,
  countMultiplyAdds,
  countParameters,
  createNetwork,
  type CreateOptions,
  type Network,
} from '@bag/network';
import {
  cifarArchitecture,
  cifarDepths,
  imageNetArchitecture,
  type ImageNetArchitectureOptions,
  imageNetDepths,
  type Variant,
  variantNotes,
  zeroGamma as applyZeroGamma,
} from '@bag/resnet-variants';
import { inceptionV3Architecture } from './inception-v3.js';
import { mobileNetArchitecture } from './mobilenet.js';

/** What a name stands for. */
export type ModelName =
  | {
      kind: 'resnet';
      family: Architecture['family'];
      depth: number;
      /** Where the name says it. */
      variant?: Variant;
      /** `resnet50s` of gluon and timm: B with a deep stem twice as wide as C's. */
      wideStem?: true;
    }
  | { kind: 'inception-v3'; family: 'imagenet' }
  | {
      kind: 'mobilenet';
      family: 'imagenet';
      /** `mobilenetv1_100` of timm. */
      activation?: 'relu6';
    };

export interface ModelOptions extends Pick<
  ImageNetArchitectureOptions,
  'deepStem' | 'stemWidth' | 'averagePoolShortcut'
> {
  /** Such as `resnet50`, `resnet50d`, `resnet20`, `inception-v3`, `mobilenet`. */
  name: string;
  classes?: number;
  /** Of a ResNet whose name has no letter; B by default. */
  variant?: Variant;
  /** Of the CIFAR family: 1×1 convolutions (what other ResNets have), or no parameters. */
  shortcut?: 'projection' | 'pad';
  /** Of MobileNet. */
  activation?: 'relu' | 'relu6';
}

const otherNames = new Map<string, ModelName>([
  ['inception-v3', { kind: 'inception-v3', family: 'imagenet' }],
  ['inception_v3', { kind: 'inception-v3', family: 'imagenet' }],
  ['inceptionv3', { kind: 'inception-v3', family: 'imagenet' }],
  ['mobilenet', { kind: 'mobilenet', family: 'imagenet' }],
  ['mobilenet1.0', { kind: 'mobilenet', family: 'imagenet' }],
  ['mobilenetv1_100', { kind: 'mobilenet', family: 'imagenet', activation: 'relu6' }],
]);

/**
 * What a name such as `resnet50`, `resnet50d`, `resnet20` or `inception-v3` stands for; those that torchvision, timm and
 * gluon use are known, too.
 * @throws Error listing the names, for any other.
 * @example
 * parseModelName('resnet50d'); // { kind: 'resnet', depth: 50, family: 'imagenet', variant: 'd' }
 */
export function parseModelName(name: string): ModelName {
  const other = otherNames.get(name);
  if (other !== undefined) return other;
  const match = /^resnet(\d+)([a-ds])?$/.exec(name);
  const depth = Number(match?.[1]);
  const letter = match?.[2];
  const family = imageNetDepths.includes(depth) ? 'imagenet' : 'cifar';
  const isCifar = depth >= 8 && (depth - 2) % 6 === 0 && letter !== 's';
  if (match === null || (family === 'cifar' && !isCifar)) {
    const known = [...imageNetDepths, ...cifarDepths].map((n) => `resnet${n}`).join(', ');
    throw new Error(
      `unknown model ${name}; known are ${known} (any 6n + 2 layers), each with a, b, c or d after it, resnet50s, resnet101s, resnet152s, inception-v3, mobilenet`,
    );
  }
  if (letter === 's') return { kind: 'resnet', depth, family, variant: 'b', wideStem: true };
  return { kind: 'resnet', depth, family, ...(letter !== undefined && { variant: letter as Variant }) };
}

/**
 * A model's shape, without any weights. Options of other models change nothing: `createModel` notes them.
 * @throws Error for an unknown name, or values that an option does not have.
 * @example
 * countParameters(modelArchitecture({ name: 'resnet50d' })); // 25576264
 */
export function modelArchitecture({
  name,
  variant = 'b',
  shortcut,
  activation,
  ...options
}: ModelOptions): Architecture {
  const { classes, ...stemAndShortcut } = options;
  const ofClasses = { ...(classes !== undefined && { classes }) };
  const model = parseModelName(name);
  switch (model.kind) {
    case 'inception-v3':
      return inceptionV3Architecture(ofClasses);
    case 'mobilenet': {
      const last = activation ?? model.activation;
      return mobileNetArchitecture({ ...ofClasses, ...(last && { activation: last }) });
    }
    case 'resnet': {
      const { depth, family, wideStem } = model;
      const common = { depth, variant: model.variant ?? variant, ...ofClasses };
      if (family === 'cifar') return cifarArchitecture({ ...common, ...(shortcut && { shortcut }) });
      const mix = wideStem === true ? { deepStem: true, stemWidth: 64 } : {};
      const said = Object.entries(stemAndShortcut).filter(([, value]) => value !== undefined);
      return imageNetArchitecture({ ...common, ...mix, ...Object.fromEntries(said) });
    }
  }
}

/**
 * A model by its name, with fresh weights.
 *
 * @param random Uniform numbers in [0, 1) for the initial weights.
 * @returns A network whose variables the caller owns and frees by `dispose()`; its notes say what the options did, and
 * warn of those that did nothing.
 * @throws Error for an unknown name, or values that an option does not have.
 * @example
 * const network = createModel({ name: 'resnet50d', classes: 10, zeroGamma: true }, { random });
 */
export function createModel(
  {
    zeroGamma = false,
    initializer,
    ...model
  }: ModelOptions & { zeroGamma?: boolean } & Pick<CreateOptions, 'initializer'>,
  { random }: { random: () => number },
): Network {
  const architecture = modelArchitecture(model);
  return createNetwork(architecture, {
    random,
    ...(initializer !== undefined && { initializer }),
    prepare: (parameters) => {
      const notes = [...unusedOptions(model), ...variantNotes(architecture)];
      if (!zeroGamma) return notes;
      const { changed, of } = applyZeroGamma(architecture, parameters);
      const warning = `warning: zero-γ finds no residual block in ${architecture.name}`;
      return [...notes, changed === 0 ? warning : `zero-γ: ${changed} of ${of} BatchNorms`];
    },
  });
}

/**
 * What was asked for and does not act on the model, a warning each.
 * @throws Error for an unknown name.
 * @example
 * unusedOptions({ name: 'mobilenet', deepStem: true }); // ['warning: deepStem changes nothing on mobilenet']
 */
export function unusedOptions({ name, variant, shortcut, activation, ...stemAndShortcut }: ModelOptions): string[] {
  const { deepStem, stemWidth, averagePoolShortcut } = stemAndShortcut;
  const model = parseModelName(name);
  const isResNet = model.kind === 'resnet';
  const letter = isResNet ? (model.variant ?? variant) : undefined;
  if (isResNet && model.family === 'cifar' && letter === 'c') {
    return ['warning: variant c changes nothing on the CIFAR family, whose stem is one 3×3 convolution already'];
  }
  const isLarge = isResNet && model.family === 'imagenet';
  const isDeep = isLarge && (deepStem ?? (model.wideStem === true || letter === 'c' || letter === 'd'));
  const given: [option: string, value: unknown, acts: boolean][] = [
    ['variant', variant, isResNet],
    ['shortcut pad', shortcut === 'pad' || undefined, isResNet && !isLarge],
    ['activation', activation, model.kind === 'mobilenet'],
    ['deepStem', deepStem, isLarge],
    ['stemWidth', stemWidth, isDeep],
    ['averagePoolShortcut', averagePoolShortcut, isLarge],
  ];
  return given.flatMap(([option, value, acts]) =>
    value === undefined || acts ? [] : [`warning: ${option} changes nothing on ${name}`],
  );
}

/** One line of the model table. */
export interface ModelInfo {
  /** Such as `resnet50`; a variant's letter may follow it. */
  name: string;
  /** Of ResNets whose name does not say it. */
  variant?: Variant;
  family: Architecture['family'];
  /** Trainable parameters. */
  parameters: number;
  /** Of one forward pass at `inputSize`. */
  multiplyAdds: number;
  /** Pixels on a side. */
  inputSize: number;
  classes: number;
}

const variants: readonly Variant[] = ['a', 'b', 'c', 'd'];

/**
 * Every named model in every variant, with its parameters and multiply-adds.
 *
 * @example
 * models().find(({ name, variant }) => name === 'resnet50' && variant === 'd')?.parameters; // 25576264
 */
export function models(): ModelInfo[] {
  const resnets = [...imageNetDepths, ...cifarDepths].flatMap((depth) =>
    variants.map((variant) => infoOf(`resnet${depth}`, variant)),
  );
  const others = ['resnet50s', 'resnet101s', 'resnet152s', 'inception-v3', 'mobilenet'];
  return [...resnets, ...others.map((name) => infoOf(name))];
}

function infoOf(name: string, variant?: Variant): ModelInfo {
  const architecture = modelArchitecture({ name, ...(variant && { variant }) });
  const { family, inputSize, classes } = architecture;
  return {
    name,
    ...(variant && { variant }),
    family,
    parameters: countParameters(architecture),
    multiplyAdds: countMultiplyAdds(architecture),
    inputSize,
    classes,
  };
}
