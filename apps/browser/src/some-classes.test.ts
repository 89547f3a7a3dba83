import { syntheticDataset } from '@bag/data';
import { expect, test } from 'vitest';
import { someClasses } from './some-classes.js';

const all = syntheticDataset({ classes: 4, size: 12, imageSize: 8, split: 'train' });

test('the images of some classes, renumbered in the order of the names', async () => {
  const some = someClasses(all, ['square', 'disc']);
  expect([some.size, some.classes]).toEqual([6, ['square', 'disc']]);
  // The data set draws its classes in turn: disc, ring, square, triangle.
  expect(Array.from(some.labels)).toEqual([1, 0, 1, 0, 1, 0]);
  expect(await some.get(3)).toEqual(await all.get(6));
});

test('a class that is not there is named', () => {
  expect(() => someClasses(all, ['disc', 'cat'])).toThrow('no class cat; it has disc, ring, square, triangle');
});
