import { join } from 'node:path';
import { cifarDepths } from '@bag/resnet-variants';
import { resolveConfig } from '../config/load.js';
import { type Config, ownTeacher, type PartialConfig } from '../config/schema.js';
import { modelOf } from '../network.js';
import type { FinishedRun, PlannedRun } from '../planned-runs.js';
import { type Row, slug } from './rows.js';

/** What `study.json` holds: everything that its runs follow from. */
export interface Study {
  /** What every row starts from; over it where a row stands alone. */
  base: PartialConfig;
  rows: Row[];
  seeds: number[];
  /** A trained run to learn from, instead of one of the study's own. */
  teacher?: string;
  /** The configuration of the study's own teacher, where its rows name one. */
  teacherConfig?: PartialConfig;
}

export interface Cell extends PlannedRun {
  row: Row;
  seed: number;
}

/** What each row says, the last part last: all that is stacked below it, or what it says alone under the base. */
export function stacks({ base, rows }: Pick<Study, 'base' | 'rows'>): { row: Row; said: PartialConfig[] }[] {
  const stacked: PartialConfig[] = [base];
  return rows.map((row) => {
    if (row.alone === true) return { row, said: [row.set, base] };
    stacked.push(row.set);
    return { row, said: [...stacked] };
  });
}

/** Row by row, each seed of it. */
export function cells({ seeds, teacher, teacherConfig, ...study }: Study, folder: string): Cell[] {
  return stacks(study).flatMap(({ row, said }) =>
    seeds.map((seed) => {
      const config = resolveConfig(row.inherited ?? {}, ...said, { seed });
      const wanted = config.distillation.teacher;
      if (wanted === ownTeacher || (wanted !== null && teacherConfig !== undefined)) {
        config.distillation = { ...config.distillation, teacher: teacher ?? join(folder, 'teacher') };
      }
      const out = join(folder, slug(row.name), `seed-${seed}`);
      return { row, seed, title: `${row.name}, seed ${seed}`, config, out };
    }),
  );
}

/**
 * The teacher that the rows learn from, if any does and none is given: as their configurations name it, or the default
 * one.
 */
export function teacherRun(study: Study, folder: string): PlannedRun | undefined {
  const out = join(folder, 'teacher');
  if (!cells(study, folder).some(({ config }) => config.distillation.teacher === out)) return undefined;
  const [seed] = study.seeds;
  // The rows' model is not the teacher's, nor are their weights.
  const base = { ...study.base, init: null, freeze: [], rateScale: undefined };
  if (study.teacherConfig !== undefined) {
    const config = resolveConfig(study.teacherConfig, { ...base, model: undefined }, { seed });
    return { title: 'the teacher', config, out };
  }
  return { title: 'the teacher', config: defaultTeacher(base, { seed }), out };
}

/** The next larger network, with cosine decay and label smoothing as the paper's ResNet-152-D, but no mixup. */
export function defaultTeacher(...parts: PartialConfig[]): Config {
  const config = resolveConfig(...parts, { recipe: 'bag', mixup: { alpha: 0 } });
  return { ...config, model: largerModel(config), variant: 'd' };
}

/** The next larger ResNet of the same family; of other networks, ResNet-50. */
function largerModel(config: Config): string {
  const model = modelOf(config);
  if (model.kind !== 'resnet') return 'resnet50';
  const sizes = model.family === 'cifar' ? [8, 14, ...cifarDepths] : [18, 50, 152];
  return `resnet${sizes.find((size) => size > model.depth) ?? model.depth}`;
}

/** A row's accuracy over its seeds. */
export interface RowResult {
  row: Row;
  /** Top-1 of each seed, in percent. */
  top1: number[];
  mean: number;
  /** Of a sample (n − 1); NaN for one seed. */
  deviation: number;
}

export function summarise(study: Study, results: readonly (FinishedRun & { row: Row })[]): RowResult[] {
  return study.rows.flatMap((row) => {
    const top1 = results.filter((result) => result.row.name === row.name).map(({ scores }) => scores.top1 * 100);
    if (top1.length === 0) return [];
    const mean = top1.reduce((a, b) => a + b, 0) / top1.length;
    const squares = top1.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return [{ row, top1, mean, deviation: Math.sqrt(squares / (top1.length - 1)) }];
  });
}
