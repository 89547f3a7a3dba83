import { leafOf, moduleOf, naturally, type NameStep, renamed, type Stored } from './step.js';
import { type GluonUnits, gluonUnits } from './units.js';

const torchLeaf: Readonly<Record<string, string>> = { gamma: 'weight', beta: 'bias' };

/**
 * Names with gluon's prefixes (`resnetv10_stage1_conv0_weight`, `inception30_A1_batchnorm0_gamma`), as `export`
 * writes them, and without the network's own part, as `save_params` did.
 */
export const prefixedFromGluon: NameStep = (stored, { parameters, head }) => {
  if ([...stored.keys()].some((name) => name.includes('.'))) return undefined;
  const units = gluonUnits(parameters);
  if (units === undefined) return undefined;
  const names = new Map<string, string>();
  for (const name of stored.keys()) {
    const to = fromPrefixed(name, units, head);
    if (to === undefined) return undefined;
    names.set(name, to);
  }
  return { stored: renamed(stored, (name) => names.get(name) ?? name), note: "renamed gluon's prefixed names" };
};

const prefixed =
  /^(?:([^_]+)_)?(?:([^_]+)_)?(conv|batchnorm|dense)(\d+)_(weight|bias|gamma|beta|running_mean|running_var)$/;

function fromPrefixed(name: string, { bySection }: GluonUnits, head: string | undefined): string | undefined {
  const [, first = '', second, kind, index, leaf = ''] = prefixed.exec(name) ?? [];
  if (kind === 'dense') return head === undefined ? undefined : `${head}.${leaf}`;
  // Before a section stands the network's own prefix, unless `save_params` stripped it.
  const section = second ?? (bySection.has(first) ? first : '');
  const unit = bySection.get(section)?.[Number(index)];
  if (unit === undefined) return undefined;
  return kind === 'conv' ? `${unit.conv}.${leaf}` : `${unit.batchNorm}.${torchLeaf[leaf] ?? leaf}`;
}

/**
 * Names of gluon's model zoo, which number the layers (`features.4.0.body.0.weight`, `output.weight`): the n-th
 * convolution and the n-th BatchNorm are those of the network, where there are as many. Shapes are checked afterwards.
 */
export const numberedFromGluon: NameStep = (stored, { parameters, names }) => {
  const numbered = [...stored.keys()].filter((name) => /^features\.\d+\./.test(name) && !names.has(name));
  const units = numbered.length === 0 ? undefined : gluonUnits(parameters);
  if (units === undefined) return undefined;
  const norms = modulesWith(stored, numbered, (name) => /^(gamma|running_mean)$/.test(leafOf(name)));
  const convs = modulesWith(stored, numbered, (name, rank) => leafOf(name) === 'weight' && rank === 4);
  if (convs.length !== units.all.length || norms.length !== units.all.length) return undefined;
  const targets = new Map<string, string>();
  units.all.forEach(({ conv, batchNorm }, i) => {
    targets.set(convs[i] as string, conv);
    targets.set(norms[i] as string, batchNorm);
  });
  const result = renamed(stored, (name) => {
    const target = targets.get(moduleOf(name));
    if (target === undefined) return name;
    const leaf = leafOf(name);
    return `${target}.${torchLeaf[leaf] ?? leaf}`;
  });
  return {
    stored: result,
    note: `renamed gluon's numbered layers: ${convs.length} convolutions with their BatchNorms`,
  };
};

function modulesWith(stored: Stored, names: readonly string[], is: (name: string, rank: number) => boolean): string[] {
  const found = names.filter((name) => is(name, stored.get(name)?.shape.length ?? 0)).map(moduleOf);
  return [...new Set(found)].sort(naturally);
}
