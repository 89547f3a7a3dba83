import { leafOf, moduleOf, naturally, type ExpectedParameter } from './step.js';

/** A convolution and the BatchNorm behind it, by their modules' names. */
export interface Unit {
  conv: string;
  batchNorm: string;
}

/**
 * The units of a network in the order in which gluon makes the same network, by the part of its prefix that they have
 * there: `stage1`, `layers1`, `down1`, `A1`, or `''` for what lies outside.
 */
export interface GluonUnits {
  /** All, in order. */
  all: readonly Unit[];
  bySection: ReadonlyMap<string, readonly Unit[]>;
}

/** By the expected names, whose order does not matter; `undefined` for a network that gluon has not. */
export function gluonUnits(parameters: readonly ExpectedParameter[]): GluonUnits | undefined {
  const convs = parameters
    .filter(({ role, shape }) => role === 'weight' && shape.length === 4)
    .map(({ name }) => moduleOf(name))
    .sort(naturally);
  const norms = new Set(
    parameters
      .filter(({ role, name }) => role === 'gamma' && leafOf(name) === 'weight')
      .map(({ name }) => moduleOf(name)),
  );
  for (const match of [resnet, mobilenet, inception]) {
    const found = match(convs);
    const all = found?.all ?? [];
    if (found !== undefined && all.length === convs.length && all.every((unit) => fits(unit, convs, norms)))
      return found;
  }
  return undefined;
}

const fits = ({ conv, batchNorm }: Unit, convs: readonly string[], norms: ReadonlySet<string>) =>
  convs.includes(conv) && norms.has(batchNorm);

/** Stem, then the stages; a block's projection follows its convolutions, or is counted apart as `down1`. */
function resnet(convs: readonly string[]): GluonUnits | undefined {
  const deep = convs.includes('conv1.0');
  const stem: Unit[] = deep
    ? [
        { conv: 'conv1.0', batchNorm: 'conv1.1' },
        { conv: 'conv1.3', batchNorm: 'conv1.4' },
        { conv: 'conv1.6', batchNorm: 'bn1' },
      ]
    : [{ conv: 'conv1', batchNorm: 'bn1' }];
  const bySection = new Map<string, Unit[]>([['', stem]]);
  const all = [...stem];
  for (const conv of convs) {
    const [, stage, , kind, index] = /^layer(\d+)\.(\d+)\.(conv|downsample\.)(\d+)$/.exec(conv) ?? [];
    if (stage === undefined) continue;
    const inBlock = kind === 'conv';
    const batchNorm = inBlock ? conv.replace(/conv(\d+)$/, 'bn$1') : conv.replace(/\d+$/, String(Number(index) + 1));
    const unit = { conv, batchNorm };
    all.push(unit);
    for (const section of [`stage${stage}`, inBlock ? `layers${stage}` : `down${stage}`]) {
      bySection.set(section, [...(bySection.get(section) ?? []), unit]);
    }
  }
  return all.length > stem.length ? { all, bySection } : undefined;
}

/** Stem, then depthwise and pointwise by turns. */
function mobilenet(convs: readonly string[]): GluonUnits | undefined {
  const blocks = convs.filter((conv) => /^blocks\.\d+\.\d+\.conv_(dw|pw)$/.test(conv));
  if (blocks.length === 0) return undefined;
  const all = [
    { conv: 'conv_stem', batchNorm: 'bn1' },
    ...blocks.map((conv) => ({ conv, batchNorm: conv.replace(/conv_dw$/, 'bn1').replace(/conv_pw$/, 'bn2') })),
  ];
  return { all, bySection: new Map([['', all]]) };
}

const branches = {
  A: ['1x1', '5x5_1', '5x5_2', '3x3dbl_1', '3x3dbl_2', '3x3dbl_3', '_pool'],
  B: ['3x3', '3x3dbl_1', '3x3dbl_2', '3x3dbl_3'],
  C: ['1x1', '7x7_1', '7x7_2', '7x7_3', '7x7dbl_1', '7x7dbl_2', '7x7dbl_3', '7x7dbl_4', '7x7dbl_5', '_pool'],
  D: ['3x3_1', '3x3_2', '7x7x3_1', '7x7x3_2', '7x7x3_3', '7x7x3_4'],
  E: ['1x1', '3x3_1', '3x3_2a', '3x3_2b', '3x3dbl_1', '3x3dbl_2', '3x3dbl_3a', '3x3dbl_3b', '_pool'],
};

const inceptionSections: readonly [section: string, kind: keyof typeof branches, block: string][] = [
  ['A1', 'A', '5b'],
  ['A2', 'A', '5c'],
  ['A3', 'A', '5d'],
  ['B', 'B', '6a'],
  ['C1', 'C', '6b'],
  ['C2', 'C', '6c'],
  ['C3', 'C', '6d'],
  ['C4', 'C', '6e'],
  ['D', 'D', '7a'],
  ['E1', 'E', '7b'],
  ['E2', 'E', '7c'],
];

/** Each block branch by branch, from the shortest to the pool. */
function inception(): GluonUnits {
  const unit = (name: string): Unit => ({ conv: `${name}.conv`, batchNorm: `${name}.bn` });
  const stem = ['1a_3x3', '2a_3x3', '2b_3x3', '3b_1x1', '4a_3x3'].map((name) => unit(`Conv2d_${name}`));
  const blocks = inceptionSections.map(([section, kind, block]): [string, Unit[]] => [
    section,
    branches[kind].map((branch) => unit(`Mixed_${block}.branch${branch}`)),
  ]);
  return {
    all: [...stem, ...blocks.flatMap(([, units]) => units)],
    bySection: new Map([['', stem], ...blocks]),
  };
}
