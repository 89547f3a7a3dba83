import { fromTorch, torchShape } from './layout.js';
import { misfits } from './misfits.js';
import {
  batchNormFromGluon,
  headRenamed,
  withoutAuxiliaryHeads,
  withoutBatchCounts,
  withoutPrefix,
} from './names/general.js';
import { numberedFromGluon, prefixedFromGluon } from './names/gluon.js';
import { type Expected, type ExpectedParameter, leafOf, moduleOf, type NameStep, type Stored } from './names/step.js';
import { inOneLine } from './one-line.js';
import type { Layout } from './read.js';
import type { StoredTensor } from './stored.js';

export interface FitOptions {
  /** The stored tensors' layout, which `readWeights` tells where the file says it; by default the shapes decide. */
  layout?: Layout | undefined;
  /**
   * Leave out the final dense layer where its number of classes is all that does not fit, or `'always'`: where the classes
   * are others. Default: false.
   */
  replaceHead?: boolean | 'always';
  /** The final dense layer's name, such as `fc`; by default that of the last dense weight that is expected. */
  head?: string;
}

export interface FittedWeights {
  /** Exactly the expected names, in their order and our layout; without the head where that was replaced. New arrays. */
  tensors: Record<string, StoredTensor>;
  /** What was done, one line each. */
  notes: string[];
  /** Numbers of classes, where the head was left out. */
  head?: { stored: number; expected: number };
}

const steps: readonly NameStep[] = [
  withoutPrefix,
  withoutBatchCounts,
  withoutAuxiliaryHeads,
  prefixedFromGluon,
  numberedFromGluon,
  batchNormFromGluon,
  headRenamed,
];

/**
 * Fits stored weights to a network: their names to the expected ones (prefixes, gluon's names, the dense layer's name,
 * counters and auxiliary heads that are left out), and their layout to ours (filters `[height, width, from, to]`, dense
 * weights `[from, to]`).
 *
 * Without `layout` the shapes decide, for all tensors alike.
 * @throws Error listing what is missing, superfluous and misshapen, or saying that the shapes tell no layout.
 * @example
 * const { tensors, layout } = readWeights(bytes);
 * const fitted = fitWeights(tensors, network.parameters, { layout, replaceHead: true, head: 'fc' });
 */
export function fitWeights(
  stored: Readonly<Record<string, StoredTensor>>,
  expected: readonly ExpectedParameter[],
  options: FitOptions = {},
): FittedWeights {
  return inOneLine(() => fit(stored, expected, options));
}

function fit(
  stored: Readonly<Record<string, StoredTensor>>,
  expected: readonly ExpectedParameter[],
  { layout, replaceHead = false, head }: FitOptions,
): FittedWeights {
  const wanted: Expected = {
    parameters: expected,
    names: new Set(expected.map(({ name }) => name)),
    head: head ?? denseOf(expected),
  };
  const notes: string[] = [];
  let tensors: Stored = new Map(Object.entries(stored));
  for (const step of steps) {
    const done = step(tensors, wanted);
    if (done === undefined) continue;
    tensors = done.stored;
    notes.push(done.note);
  }
  const from = layout ?? layoutOf(tensors, expected);
  const replaced = replaceHead === false ? undefined : otherClasses(tensors, wanted, from, replaceHead === 'always');
  const isLeftOut = (name: string) => replaced !== undefined && moduleOf(name) === wanted.head;
  const kept = expected.filter(({ name }) => !isLeftOut(name));
  requireFit(new Map([...tensors].filter(([name]) => !isLeftOut(name))), kept, from, wanted.head);
  if (from === 'OIHW') notes.push("transposed from PyTorch's layout");
  return {
    tensors: Object.fromEntries(kept.map((parameter) => [parameter.name, converted(tensors, parameter, from)])),
    notes,
    ...(replaced && { head: replaced }),
  };
}

function converted(tensors: Stored, parameter: ExpectedParameter, from: Layout): StoredTensor {
  const tensor = tensors.get(parameter.name) as StoredTensor;
  if (from === 'OIHW') return fromTorch(tensor, parameter);
  return { shape: [...tensor.shape], values: tensor.values.slice() };
}

const shapeIn = (layout: Layout, parameter: ExpectedParameter): readonly number[] =>
  layout === 'OIHW' ? torchShape(parameter) : parameter.shape;

const same = (a: readonly number[], b: readonly number[]) => a.length === b.length && a.every((n, i) => n === b[i]);

function denseOf(expected: readonly ExpectedParameter[]): string | undefined {
  const last = expected.findLast(({ role, shape }) => role === 'weight' && shape.length === 2);
  return last === undefined ? undefined : moduleOf(last.name);
}

/** By the weights whose shape fits one layout only; most of them win, and the others are misshapen. */
function layoutOf(tensors: Stored, expected: readonly ExpectedParameter[]): Layout {
  let balance = 0;
  let ambiguous: string | undefined;
  for (const parameter of expected) {
    const shape = tensors.get(parameter.name)?.shape;
    const [torch, ours] = [torchShape(parameter), parameter.shape];
    if (shape === undefined || (parameter.role !== 'weight' && same(torch, ours))) continue;
    const vote = Number(same(shape, torch)) - Number(same(shape, ours));
    if (vote === 0 && same(shape, ours) && shape.some((n) => n > 1)) ambiguous = parameter.name;
    balance += vote;
  }
  if (balance !== 0) return balance > 0 ? 'OIHW' : 'HWIO';
  if (ambiguous === undefined) return 'OIHW';
  throw new Error(`the shapes do not tell the weights' layout (${ambiguous} fits both); pass layout: 'OIHW' or 'HWIO'`);
}

/** The numbers of classes, where that of the head is all that does not fit in it; or, if asked for, where all fits. */
function otherClasses(
  tensors: Stored,
  { parameters, head }: Expected,
  from: Layout,
  always: boolean,
): { stored: number; expected: number } | undefined {
  const parts = parameters.filter(({ name }) => moduleOf(name) === head);
  const weight = parts.find(({ name }) => leafOf(name) === 'weight');
  const [features, expected] = weight?.shape ?? [];
  const shape = weight === undefined ? undefined : tensors.get(weight.name)?.shape;
  const stored = shape?.[from === 'OIHW' ? 0 : 1];
  if (features === undefined || expected === undefined || stored === undefined) return undefined;
  if (stored === expected && !always) return undefined;
  const fits = parts.every((part) => {
    const shapeThere = part === weight ? [features, stored] : [stored];
    const found = tensors.get(part.name)?.shape;
    return found !== undefined && same(found, shapeIn(from, { ...part, shape: shapeThere }));
  });
  return fits ? { stored, expected } : undefined;
}

function requireFit(
  tensors: Stored,
  expected: readonly ExpectedParameter[],
  from: Layout,
  head: string | undefined,
): void {
  const names = new Set(expected.map(({ name }) => name));
  const problem = misfits({
    missing: expected.filter(({ name }) => !tensors.has(name)).map(({ name }) => name),
    superfluous: [...tensors.keys()].filter((name) => !names.has(name)),
    misshapen: expected.flatMap((parameter) => {
      const found = tensors.get(parameter.name)?.shape;
      const wanted = shapeIn(from, parameter);
      return found === undefined || same(found, wanted) ? [] : [{ name: parameter.name, found, wanted }];
    }),
    head,
  });
  if (problem !== undefined) throw new Error(problem);
}
