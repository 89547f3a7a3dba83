import { z } from 'zod';
import { configSchema } from './schema.js';

type Json = Record<string, unknown>;

/** The JSON Schema of a configuration file, by which editors complete and check it: any part of the keys, and `extends`. */
export function configFileSchema(): Json {
  const { $schema, ...keys } = optional(z.toJSONSchema(configSchema)) as { $schema: string; properties: Json };
  return {
    $schema,
    title: 'Configuration of bag',
    ...keys,
    properties: {
      extends: {
        description: 'files, or names of configurations that come with bag, whose keys this file overrides',
        anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
      },
      paper: { description: "the paper's top-1 accuracy in percent for this configuration", type: 'number' },
      ablation: {
        description: 'what "bag ablate" stacks: each row sets keys on top of the rows before it',
        type: 'array',
        items: {
          type: 'object',
          required: ['name', 'set'],
          additionalProperties: false,
          properties: {
            name: { type: 'string' },
            set: { type: 'object', description: 'keys as in this file' },
            paper: { type: 'number', description: "the paper's top-1 accuracy in percent, shown beside the row" },
          },
        },
      },
      ...keys.properties,
    },
  };
}

/** A file need not give every key. */
function optional(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(optional);
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).filter(([key, value]) => !(key === 'required' && Array.isArray(value)));
  return Object.fromEntries(entries.map(([key, value]) => [key, optional(value)]));
}
