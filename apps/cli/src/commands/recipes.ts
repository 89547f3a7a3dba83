import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readConfigFile, resolveConfig } from '../config/load.js';
import { modelTitle } from '../network.js';
import { shippedConfigs, shippedNames } from '../shipped.js';
import { table } from '../table.js';

/** Every configuration that comes with the program. */
export async function recipesCommand({ json }: { json?: boolean }): Promise<void> {
  const recipes = await Promise.all((await shippedNames()).map(describe));
  if (json === true) {
    console.log(JSON.stringify(recipes));
    return;
  }
  const rows = recipes.map(({ name, model, epochs, batch, paper }) => [
    name,
    model,
    String(epochs),
    String(batch),
    paper?.toFixed(2) ?? '',
  ]);
  console.log(table(['recipe', 'model', 'epochs', 'batch', "paper's %"], rows));
}

async function describe(name: string) {
  const { config: said, paper } = await readConfigFile(name);
  const config = resolveConfig(said);
  return {
    name,
    about: await firstComment(name),
    model: modelTitle(config),
    epochs: config.epochs,
    batch: config.batch * config.accumulate,
    ...(typeof paper === 'number' && { paper }),
  };
}

/** The comment at a file's head says what it is. */
async function firstComment(name: string): Promise<string> {
  const lines = (await readFile(join(shippedConfigs, `${name}.yaml`), 'utf8')).split('\n').slice(1);
  const end = lines.findIndex((line) => !line.startsWith('#'));
  return lines
    .slice(0, end)
    .map((line) => line.slice(1).trim())
    .join(' ');
}
