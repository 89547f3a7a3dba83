import { leafOf, moduleOf, type NameStep, renamed, type Stored } from './step.js';

/** `module.` of DataParallel, `model.`, `backbone.`: whatever all names begin with, and the network's do not. */
export const withoutPrefix: NameStep = (stored, { names }) => {
  let prefix = '';
  for (;;) {
    const next = commonPart([...stored.keys()], prefix.length);
    if (next === undefined || [...names].every((name) => name.startsWith(next))) break;
    prefix += next;
  }
  if (prefix === '') return undefined;
  return {
    stored: renamed(stored, (name) => name.slice(prefix.length)),
    note: `removed ${prefix} from ${stored.size} names`,
  };
};

/** The part up to the next dot, where all names share it and each has a parameter of a module left. */
function commonPart(names: readonly string[], from: number): string | undefined {
  const [first = ''] = names;
  const part = first.slice(from, first.indexOf('.', from) + 1);
  if (part === '') return undefined;
  const shared = names.every((name) => name.startsWith(part, from) && name.includes('.', from + part.length));
  return shared ? part : undefined;
}

/** PyTorch counts the batches that each BatchNorm saw; with a fixed momentum nothing depends on it. */
export const withoutBatchCounts: NameStep = (stored, { names }) =>
  without(stored, (name) => leafOf(name) === 'num_batches_tracked' && !names.has(name), 'num_batches_tracked');

/** Heads that training alone uses, such as Inception's `AuxLogits`. */
export const withoutAuxiliaryHeads: NameStep = (stored, { names }) =>
  without(stored, (name) => /^aux/i.test(name) && !names.has(name), 'auxiliary heads');

function without(stored: Stored, dropped: (name: string) => boolean, what: string): ReturnType<NameStep> {
  const left = new Map([...stored].filter(([name]) => !dropped(name)));
  if (left.size === stored.size) return undefined;
  return { stored: left, note: `left out ${stored.size - left.size} tensors: ${what}` };
}

const batchNormNames: Readonly<Record<string, string>> = {
  gamma: 'weight',
  beta: 'bias',
  moving_mean: 'running_mean',
  moving_var: 'running_var',
};

/** Gluon's names of a BatchNorm's parameters to PyTorch's. */
export const batchNormFromGluon: NameStep = (stored, { names }) => {
  let count = 0;
  const result = renamed(stored, (name) => {
    const leaf = batchNormNames[leafOf(name)];
    if (leaf === undefined || names.has(name)) return name;
    count++;
    return `${moduleOf(name)}.${leaf}`;
  });
  return count === 0 ? undefined : { stored: result, note: `renamed gluon's gamma and beta in ${count} names` };
};

/** `linear`, `classifier`, `head.fc`, `output`: the one dense layer that the network has not, for the one that it lacks. */
export const headRenamed: NameStep = (stored, { names, head }) => {
  if (head === undefined || stored.has(`${head}.weight`)) return undefined;
  const dense = [...stored]
    .filter(([name, { shape }]) => leafOf(name) === 'weight' && shape.length === 2 && !names.has(name))
    .map(([name]) => moduleOf(name));
  const [from] = dense;
  if (from === undefined || dense.length > 1) return undefined;
  return {
    stored: renamed(stored, (name) => (moduleOf(name) === from ? `${head}.${leafOf(name)}` : name)),
    note: `took ${from} for ${head}`,
  };
};
