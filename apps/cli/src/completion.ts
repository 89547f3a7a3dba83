import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';
import { shippedNames } from './shipped.js';

/** Adds "bag completion SHELL", which prints a script for the shell, and the hidden command which that script asks. */
export async function addCompletion(program: Command): Promise<void> {
  const root = tab(program, { completionCommandName: 'completion' });
  if (process.argv[2] !== 'complete') return;
  const { models } = await import('@bag/models');
  const names = [...new Set(models().map(({ name }) => name))];
  const configs = await shippedNames();
  for (const command of root.commands.values()) {
    const model = command.options.get('model');
    if (model !== undefined) {
      model.handler = (complete) => {
        for (const name of names) complete(name, '');
      };
    }
    const config = command.arguments.get('config');
    if (config !== undefined) {
      config.handler = (complete) => {
        for (const name of configs) complete(name, 'comes with bag');
      };
    }
  }
}
