import { z } from 'zod';
import { UsageError } from '../errors.js';
import type { ConfigFile } from '../config/load.js';
import { ownTeacher, type PartialConfig } from '../config/schema.js';

/** One row of a study: what it sets on top of the rows before it, or a configuration of its own. */
export interface Row {
  name: string;
  /** Keys of the configuration; a teacher called `study` is the one that the study trains first. */
  set: PartialConfig;
  /** Whether the rows before it do not count. */
  alone?: boolean;
  /** What the weights that it starts from bring with them, under all that is said. */
  inherited?: PartialConfig;
  /** The paper's top-1 accuracy in percent. */
  paper?: number;
}

/**
 * The paper's tables 4, 5 and 6, stacked: top-1 of ResNet-50 on ImageNet at batch 1024 (the baseline's at 256), from
 * ResNet-D on with cosine decay as in table 6. Source: He et al. 2018.
 */
export const paperRows: readonly Row[] = [
  { name: 'baseline', set: { recipe: 'baseline' }, paper: 75.87 },
  { name: '+ linear scaling', set: { learningRate: { linearScaling: true } }, paper: 75.17 },
  { name: '+ warmup', set: { learningRate: { warmupEpochs: null } }, paper: 75.93 },
  { name: '+ zero γ', set: { zeroGamma: true }, paper: 76.37 },
  { name: '+ no bias decay', set: { noBiasDecay: true }, paper: 76.03 },
  { name: '+ 16 bits', set: { precision: 'bf16' }, paper: 76.21 },
  { name: '+ ResNet-D', set: { variant: 'd' }, paper: 77.16 },
  { name: '+ cosine', set: { learningRate: { schedule: 'cosine' } }, paper: 77.91 },
  { name: '+ label smoothing', set: { labelSmoothing: 0.1 }, paper: 78.31 },
  { name: '+ distillation, no mixup', set: { distillation: { teacher: ownTeacher } }, paper: 78.67 },
  { name: '+ mixup, no distillation', set: { distillation: { teacher: null }, mixup: { alpha: 0.2 } }, paper: 79.15 },
  { name: '+ mixup + distillation', set: { distillation: { teacher: ownTeacher } }, paper: 79.29 },
];

/**
 * Configurations as rows, each by itself, in the order given.
 * @throws UsageError where two have one name, or rows of their own.
 */
export function configRows(files: readonly (ConfigFile & { name: string })[]): Row[] {
  const withRows = files.find(({ ablation }) => ablation !== undefined);
  if (withRows !== undefined) {
    throw new UsageError(`${withRows.name} has rows of its own; give it alone, or configurations without "ablation"`);
  }
  const rows = files.map(({ name, config, paper }) => ({
    name,
    set: config,
    alone: true,
    ...(typeof paper === 'number' && { paper }),
  }));
  requireDistinct(rows);
  return rows;
}

const rowsSchema = z
  .array(
    z.strictObject({
      name: z.string().min(1),
      set: z.record(z.string(), z.unknown()),
      paper: z.number().optional(),
    }),
  )
  .min(1);

/**
 * The rows that a configuration file gives.
 * @throws UsageError naming what is wrong.
 */
export function parseRows(value: unknown): Row[] {
  const result = rowsSchema.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new UsageError(
      `ablation.${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}; give a list of {name, set}`,
    );
  }
  const rows = result.data as Row[];
  requireDistinct(rows);
  return rows;
}

function requireDistinct(rows: readonly Row[]): void {
  const names = rows.map(({ name }) => slug(name));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new UsageError(`ablation: two rows are called ${twice}; give each its own name`);
}

/** A row's name as that of a folder. */
export function slug(name: string): string {
  return (
    name
      .toLowerCase()
      .replaceAll('γ', 'gamma')
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '') || 'row'
  );
}
