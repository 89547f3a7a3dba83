import util from 'node:util';
import { expect, test } from 'vitest';
import { restoreUtil } from './shim.js';

test('what Node 23 removed from util comes back, what is there stays', () => {
  const any = util as unknown as Record<string, unknown>;
  const before = { isNullOrUndefined: any['isNullOrUndefined'], isArray: any['isArray'] };
  delete any['isNullOrUndefined'];
  restoreUtil();
  const isNullOrUndefined = any['isNullOrUndefined'] as (value: unknown) => boolean;
  expect([null, undefined, 0, ''].map(isNullOrUndefined)).toEqual([true, true, false, false]);
  if (before.isArray !== undefined) expect(any['isArray']).toBe(before.isArray);
  Object.assign(any, before);
});
