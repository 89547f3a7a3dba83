import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseModelName } from '@bag/models';
import { parse } from 'yaml';
import { didYouMean, UsageError } from '../errors.js';
import { shippedConfigs, shippedNames } from '../shipped.js';
import { recipeDefaults } from './recipes.js';
import { type Config, configSchema, ownTeacher, type PartialConfig, recipes } from './schema.js';

type Json = Record<string, unknown>;

/** A configuration file: keys of a run, and the rows of a study. */
export interface ConfigFile {
  config: PartialConfig;
  /** What `bag ablate` stacks; unchecked. */
  ablation?: unknown;
  /** The paper's top-1 accuracy in percent for this very configuration; unchecked. */
  paper?: unknown;
}

/**
 * Reads a YAML or JSON file, or a configuration that comes with the program by its name, such as `cifar10/bag`; what it
 * `extends` comes first. Paths in it are relative to it. Only its form is checked here.
 */
export async function readConfigFile(name: string): Promise<ConfigFile> {
  return readChain(await locate(name), []);
}

async function readChain(path: string, above: readonly string[]): Promise<ConfigFile> {
  if (above.includes(path)) throw new UsageError(`${path} extends itself: ${[...above, path].join(' → ')}`);
  const { extends: bases = [], ablation, paper, ...keys } = await readObject(path);
  const names: unknown[] = Array.isArray(bases) ? bases : [bases];
  let merged: ConfigFile = { config: {} };
  for (const name of names) {
    if (typeof name !== 'string') throw new UsageError(`${path}: extends expects a path or a list of paths`);
    const base = await readChain(await locate(name, dirname(path)), [...above, path]);
    merged = { ...merged, ...base, config: merge(merged.config, base.config) };
    // Of that very configuration, not of what is made of it.
    delete merged.paper;
  }
  return {
    ...merged,
    config: merge(merged.config, await resolvePaths(keys, dirname(path))),
    ...(ablation !== undefined && { ablation: await resolveRows(ablation, dirname(path)) }),
    ...(paper !== undefined && { paper }),
  };
}

/** The path of a file, or of a shipped configuration of that name. */
async function locate(name: string, folder = '.'): Promise<string> {
  // A shipped one may also be called by its path in this repository's program.
  const candidates = [resolve(folder, name), join(shippedConfigs, `${name}.yaml`), join(shippedConfigs, '..', name)];
  for (const candidate of candidates) {
    if ((await stat(candidate).catch(() => undefined))?.isFile() === true) return candidate;
  }
  throw new UsageError(
    `cannot read the configuration ${name}; give the path of a YAML or JSON file, or the name of one that comes with bag ("bag recipes" lists them)${didYouMean(name, await shippedNames())}`,
  );
}

async function readObject(path: string): Promise<Json> {
  const text = await readFile(path, 'utf8');
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new UsageError(`${path} is neither YAML nor JSON: ${(error as Error).message.split('\n')[0] ?? ''}`);
  }
  if (!isObject(value)) throw new UsageError(`${path} holds no keys; write for example "epochs: 30"`);
  // A run's own file has its classes and versions beside the configuration.
  return isObject(value['config']) && 'classes' in value ? value['config'] : value;
}

/** Paths of an ablation's rows, whose form is checked later. */
async function resolveRows(rows: unknown, folder: string): Promise<unknown> {
  if (!Array.isArray(rows)) return rows;
  return Promise.all(
    rows.map(async (row: unknown) =>
      isObject(row) && isObject(row['set'])
        ? { ...row, set: await resolvePaths(row['set'], folder, [ownTeacher]) }
        : row,
    ),
  );
}

async function resolvePaths(keys: Json, folder: string, names: readonly string[] = []): Promise<Json> {
  const { data, init, distillation } = keys;
  const teacher = isObject(distillation) ? distillation['teacher'] : undefined;
  // A teacher may be named by the shipped configuration that trains it.
  const isPath = typeof teacher === 'string' && ![...(await shippedNames()), ...names].includes(teacher);
  return merge(keys, {
    ...(typeof data === 'string' && { data: resolve(folder, data) }),
    ...(typeof init === 'string' && { init: resolve(folder, init) }),
    ...(isPath && { distillation: { teacher: resolve(folder, teacher) } }),
  });
}

/** What `--set` says, each by itself; paths become absolute. */
export function assignments(texts: readonly string[]): Promise<PartialConfig[]> {
  return Promise.all(texts.map((text) => resolvePaths(parseAssignment(text) as Json, '.') as Promise<PartialConfig>));
}

/** `a.b=1` → `{a: {b: 1}}`, the value read as YAML. */
export function parseAssignment(text: string): PartialConfig {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`--set expects key=value, got ${text}; for example --set mixup.alpha=0.2`);
  const path = text.slice(0, at).split('.');
  let value: unknown;
  try {
    value = parse(text.slice(at + 1));
  } catch {
    throw new UsageError(`--set ${text}: the value is no YAML; put what has brackets or colons in quotes`);
  }
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as PartialConfig;
}

/**
 * The whole configuration: a recipe's defaults, overridden by each part in turn.
 * @throws UsageError naming every wrong key, with the nearest right one.
 */
export function resolveConfig(...parts: PartialConfig[]): Config {
  const said: Json = mergeConfigs(...parts);
  const recipe = said['recipe'] ?? 'bag';
  if (!recipes.includes(recipe as Config['recipe'])) {
    const typed = JSON.stringify(recipe);
    throw new UsageError(`recipe: expected one of ${recipes.join(', ')}, got ${typed}${didYouMean(typed, recipes)}`);
  }
  return validateConfig(merge(defaultsFor(recipe as Config['recipe'], said), said));
}

/** A recipe's defaults; large images fit in smaller batches only. */
function defaultsFor(recipe: Config['recipe'], { model, variant }: Json): Json {
  const defaults = recipeDefaults[recipe];
  if (typeof model !== 'string') return defaults;
  let parsed;
  try {
    parsed = parseModelName(model);
  } catch (error) {
    throw new UsageError(`model: ${(error as Error).message}`);
  }
  const letter = parsed.kind === 'resnet' ? parsed.variant : undefined;
  if (letter !== undefined && variant !== undefined && variant !== letter) {
    throw new UsageError(
      `model ${model} is variant ${letter}, variant says ${JSON.stringify(variant)}; give one of them`,
    );
  }
  return {
    ...defaults,
    ...(letter !== undefined && { variant: letter }),
    ...(parsed.family === 'imagenet' && { batch: 16 }),
  };
}

/** Checks a whole configuration, such as the one saved with a run. */
export function validateConfig(value: unknown): Config {
  const result = configSchema.safeParse(value);
  if (result.success) return result.data;
  const lines = result.error.issues.flatMap((issue) => {
    const path = issue.path.join('.');
    if (issue.code !== 'unrecognized_keys') return [`${path}: ${issue.message}`];
    const known = Object.keys((at(recipeDefaults.bag, issue.path) as Json | undefined) ?? {});
    return issue.keys.map((key) => {
      const full = [...issue.path, key].join('.');
      const hint = didYouMean(key, known) || `; known here: ${known.join(', ')}`;
      return `unknown configuration key ${full}${hint}`;
    });
  });
  throw new UsageError(lines.join('\n'));
}

/** The keys in which two configurations differ, as dotted paths. */
export function differingKeys(a: unknown, b: unknown, path = ''): string[] {
  if (!isObject(a) || !isObject(b)) return JSON.stringify(a) === JSON.stringify(b) ? [] : [path];
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return keys.flatMap((key) => differingKeys(a[key], b[key], path === '' ? key : `${path}.${key}`));
}

/** Later parts override earlier ones, key by key. */
export function mergeConfigs(...parts: PartialConfig[]): PartialConfig {
  return parts.reduce<Json>((merged, part) => merge(merged, part), {});
}

function merge(base: Json, over: Json): Json {
  const result: Json = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue;
    const before = result[key];
    result[key] = isObject(before) && isObject(value) ? merge(before, value) : value;
  }
  return result;
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, key) => (isObject(inner) ? inner[String(key)] : undefined), value);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
