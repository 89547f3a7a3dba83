import { describe, expect, test } from 'vitest';
import { syntheticDataset } from './index.js';
import { cifarBinary, hasSplit, idx, imageFolder, openDataset, type Split, tarShards } from './node.js';

describe('a split that there is not is one line, before the folder is looked at', () => {
  const readers = { imageFolder, tarShards, cifarBinary, idx, openDataset };
  test.each(Object.entries(readers))('%s', async (name, read) => {
    const expected = (got: string) => `${name}: expected split "train" or "validation", got ${got}`;
    await expect(read('nowhere', { split: 'valid' as Split })).rejects.toThrow(expected('"valid"'));
    await expect(read('nowhere', {} as { split: Split })).rejects.toThrow(expected('none'));
  });

  test('hasSplit', async () => {
    await expect(hasSplit('nowhere', 'test' as Split)).rejects.toThrow(
      'hasSplit: expected split "train" or "validation", got "test"',
    );
  });

  test('syntheticDataset', () => {
    expect(() => syntheticDataset({ size: 1, split: 'val' as Split })).toThrow(
      'syntheticDataset: expected split "train" or "validation", got "val"',
    );
  });
});
