import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, expectMoved, runs } from './fixtures/moves.js';
import { checkEachTest } from './fixtures/onednn.js';

checkEachTest();

describe('pad', () => {
  const cases = fc.array(fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 3 }), fc.nat({ max: 3 })), {
    minLength: 1,
    maxLength: 5,
  });

  it('surrounds with a value', () => {
    fc.assert(
      fc.property(cases, (axes) =>
        expectMoved(
          axes.map(([size]) => size),
          (x) =>
            tf.pad(
              x,
              axes.map(([, before, after]) => [before, after]),
              1,
            ),
          axes.map(([size, before, after]) => before + size + after),
          (position) => {
            const from = position.map((p, i) => p - at(axes, i)[1]);
            return from.every((p, i) => p >= 0 && p < at(axes, i)[0]) ? from : 1;
          },
        ),
      ),
      runs,
    );
  });

  it.each([NaN, -Infinity, 0.1])('writes %d as single precision has it', (value) => {
    const x = tf.tensor1d([5]);
    const y = tf.pad(x, [[1, 0]], value);
    expect(Array.from(y.dataSync())).toEqual([Math.fround(value), 5]);
    tf.dispose([x, y]);
  });

  it.each(['reflect', 'symmetric'] as const)('mirrors, %s', (mode) => {
    const edge = mode === 'symmetric' ? 0 : 1;
    const sizes = fc.array(
      fc
        .integer({ min: 1, max: 5 })
        .chain((size) => fc.tuple(fc.constant(size), fc.nat({ max: size - edge }), fc.nat({ max: size - edge }))),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(sizes, (axes) =>
        expectMoved(
          axes.map(([size]) => size),
          (x) =>
            tf.mirrorPad(
              x,
              axes.map(([, before, after]) => [before, after]),
              mode,
            ),
          axes.map(([size, before, after]) => before + size + after),
          (position) =>
            position.map((p, i) => {
              const [size, before] = at(axes, i);
              const from = p - before;
              if (from < 0) return -from - 1 + edge;
              return from < size ? from : 2 * size - 1 - from - edge;
            }),
        ),
      ),
      runs,
    );
  });
});

describe('tile', () => {
  it('repeats any axes', () => {
    const cases = fc.array(fc.tuple(fc.nat({ max: 4 }), fc.nat({ max: 3 })), { maxLength: 5 });
    fc.assert(
      fc.property(cases, (axes) =>
        expectMoved(
          axes.map(([size]) => size),
          (x) =>
            tf.tile(
              x,
              axes.map(([, times]) => times),
            ),
          axes.map(([size, times]) => size * times),
          (position) => position.map((p, i) => p % at(axes, i)[0]),
        ),
      ),
      runs,
    );
  });

  it('repeats single columns and short rows often', () => {
    expectMoved(
      [33, 1],
      (x) => tf.tile(x, [1, 1000]),
      [33, 1000],
      ([r]) => [r as number, 0],
    );
    expectMoved(
      [5],
      (x) => tf.tile(x, [7001]),
      [35005],
      ([i]) => [(i as number) % 5],
    );
  });
});
