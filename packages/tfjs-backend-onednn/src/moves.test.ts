import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OnednnBackend } from './backend.js';
import './index.js';

const dtypes = ['float32', 'int32', 'bool'] as const;
type DType = (typeof dtypes)[number];

let blocks = 0;
let tensors = 0;

function native(): OnednnBackend {
  const backend = tf.backend();
  if (!(backend instanceof OnednnBackend)) throw new Error('expected the backend onednn');
  return backend;
}

beforeAll(async () => {
  await tf.setBackend('onednn');
});
beforeEach(() => {
  tensors = tf.memory().numTensors;
  blocks = native().memory().native.blocksInUse;
  native().forwarded.clear();
});
afterEach(() => {
  expect(tf.memory().numTensors, 'tensors left alive').toBe(tensors);
  expect(native().memory().native.blocksInUse, 'native blocks left alive').toBe(blocks);
  expect([...native().forwarded.keys()], 'kernels left to tfjs-backend-cpu').toEqual([]);
});

const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const at = <T>(list: readonly T[], i: number) => list[i] as T;

/** Distinct values, or bits without a short period. */
function valuesOf(dtype: DType, size: number): number[] {
  return Array.from({ length: size }, (_, i) => (dtype === 'bool' ? ((i * i + (i >> 3)) % 7) & 1 : i - 5));
}

/** Calls visit(index of the element, its position) in rows-last order. */
function forEachIndex(shape: readonly number[], visit: (position: number[], i: number) => void): void {
  const position = shape.map(() => 0);
  for (let i = 0; i < product(shape); i++) {
    visit(position, i);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position[axis] = at(position, axis) + 1;
      if (at(position, axis) < at(shape, axis)) break;
      position[axis] = 0;
    }
  }
}

const flat = (shape: readonly number[], position: readonly number[]) =>
  shape.reduce((index, size, axis) => index * size + at(position, axis), 0);

/** Asserts that the element of `f`'s result at a position is x's at `source(position)`, or the value that it gives. */
function expectMoved(
  shape: number[],
  f: (x: tf.Tensor) => tf.Tensor,
  expectedShape: number[],
  source: (position: number[]) => number[] | number,
): void {
  for (const dtype of dtypes) {
    const values = valuesOf(dtype, product(shape));
    const x = tf.tensor(values, shape, dtype);
    const y = f(x);
    expect(y.shape).toEqual(expectedShape);
    expect(y.dtype).toBe(dtype);
    const expected: number[] = [];
    forEachIndex(expectedShape, (position) => {
      const from = source(position);
      expected.push(typeof from === 'number' ? from : at(values, flat(shape, from)));
    });
    expect(Array.from(y.dataSync())).toEqual(expected);
    tf.dispose([x, y]);
  }
}

const shapes = (least = 0, most = 6) => fc.array(fc.integer({ min: 0, max: 5 }), { minLength: least, maxLength: most });
const runs = { numRuns: 60 };

describe('transpose', () => {
  const check = (shape: number[], perm: number[]) =>
    expectMoved(
      shape,
      (x) => tf.transpose(x, perm),
      perm.map((axis) => at(shape, axis)),
      (position) => {
        const from: number[] = [];
        perm.forEach((axis, i) => (from[axis] = at(position, i)));
        return from;
      },
    );

  it('moves every element, for any shape and order of axes', () => {
    fc.assert(
      fc.property(
        shapes().chain((shape) =>
          fc.tuple(
            fc.constant(shape),
            fc.shuffledSubarray(
              shape.map((_, i) => i),
              { minLength: shape.length },
            ),
          ),
        ),
        ([shape, perm]) => check(shape, perm),
      ),
      runs,
    );
  });

  it.each([
    [
      [131, 77],
      [1, 0],
    ],
    [
      [64, 300],
      [1, 0],
    ],
    [
      [3, 67, 41],
      [0, 2, 1],
    ],
    [
      [2, 35, 33, 3],
      [0, 3, 1, 2],
    ],
    [
      [2, 3, 35, 33],
      [0, 2, 3, 1],
    ],
    [
      [17, 4, 19, 16],
      [2, 1, 0, 3],
    ],
    [
      [40, 2, 50],
      [2, 1, 0],
    ],
  ])('moves every element of %j by %j', (shape, perm) => check(shape, perm));

  it('moves matrices that are larger than the cache', () => {
    const [rows, columns] = [2064, 3216];
    const x = tf.tensor2d(
      Float32Array.from({ length: rows * columns }, (_, i) => i),
      [rows, columns],
    );
    const y = tf.transpose(x);
    const values = y.dataSync();
    let wrong = 0;
    for (let i = 0; i < values.length; i++) {
      if (values[i] !== (i % rows) * columns + Math.floor(i / rows)) wrong++;
    }
    expect(wrong).toBe(0);
    tf.dispose([x, y]);
  });
});

describe('slice', () => {
  it('takes any box', () => {
    const boxes = shapes(1).chain((shape) =>
      fc.tuple(...shape.map((size) => fc.tuple(fc.nat({ max: size }), fc.nat({ max: size })))).map((ends) => ({
        shape,
        begin: ends.map(([a, b]) => Math.min(a, b)),
        size: ends.map(([a, b]) => Math.abs(a - b)),
      })),
    );
    fc.assert(
      fc.property(boxes, ({ shape, begin, size }) =>
        expectMoved(
          shape,
          (x) => tf.slice(x, begin, size),
          size,
          (position) => position.map((p, i) => p + at(begin, i)),
        ),
      ),
      runs,
    );
  });

  it('gives a copy, which outlives its source', () => {
    const x = tf.tensor1d([1, 2, 3, 4]);
    const y = tf.slice(x, 1, 2);
    x.dispose();
    const other = tf.tensor1d([9, 9, 9, 9]);
    expect(Array.from(y.dataSync())).toEqual([2, 3]);
    tf.dispose([y, other]);
  });

  it('refuses a box beyond the tensor', () => {
    const x = tf.tensor1d([1, 2, 3]);
    expect(() => tf.slice(x, 1, 3)).toThrow('would overflow');
    x.dispose();
  });
});

describe('stridedSlice', () => {
  it('takes every n-th element, forwards and backwards', () => {
    const cases = fc
      .array(
        fc.tuple(
          fc.integer({ min: 1, max: 6 }),
          fc.nat({ max: 5 }),
          fc.nat({ max: 5 }),
          fc.constantFrom(-3, -2, -1, 1, 2, 3),
        ),
        { minLength: 1, maxLength: 4 },
      )
      .map((axes) => axes.map(([size, a, b, step]) => ({ size, begin: a % size, end: b % size, step })));
    fc.assert(
      fc.property(cases, (axes) => {
        const counts = axes.map(({ begin, end, step }) => {
          let count = 0;
          for (let i = begin; step > 0 ? i < end : i > end; i += step) count++;
          return count;
        });
        expectMoved(
          axes.map(({ size }) => size),
          (x) =>
            tf.stridedSlice(
              x,
              axes.map(({ begin }) => begin),
              axes.map(({ end }) => end),
              axes.map(({ step }) => step),
            ),
          counts,
          (position) => position.map((p, i) => at(axes, i).begin + p * at(axes, i).step),
        );
      }),
      runs,
    );
  });

  it('knows masks, new and dropped axes', () => {
    const x = tf.tensor3d(
      Array.from({ length: 24 }, (_, i) => i),
      [2, 3, 4],
    );
    // x[1, ..., new, ::-2]
    const y = tf.stridedSlice(x, [1, 0, 0, 0], [2, 0, 0, 0], [1, 1, 1, -2], 0b1000, 0b1000, 0b0010, 0b0100, 0b0001);
    expect(y.shape).toEqual([3, 1, 2]);
    expect(Array.from(y.dataSync())).toEqual([15, 13, 19, 17, 23, 21]);
    tf.dispose([x, y]);
  });
});

describe('reverse', () => {
  it('reverses any axes', () => {
    const cases = shapes().chain((shape) => fc.tuple(fc.constant(shape), fc.subarray(shape.map((_, i) => i))));
    fc.assert(
      fc.property(cases, ([shape, axes]) =>
        expectMoved(
          shape,
          (x) => tf.reverse(x, axes),
          shape,
          (position) => position.map((p, i) => (axes.includes(i) ? at(shape, i) - 1 - p : p)),
        ),
      ),
      runs,
    );
  });

  it('flips images left to right', () => {
    const x = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 4, 2]);
    const y = tf.image.flipLeftRight(x);
    expect(Array.from(y.dataSync())).toEqual([7, 8, 5, 6, 3, 4, 1, 2]);
    tf.dispose([x, y]);
  });
});

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

describe('concat, stack, split, unstack', () => {
  const cases = shapes(1, 5).chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      axis: fc.nat({ max: shape.length - 1 }),
      sizes: fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 5 }),
      dtype: fc.constantFrom(...dtypes),
    }),
  );

  it('split undoes concat, along any axis', () => {
    fc.assert(
      fc.property(cases, ({ shape, axis, sizes, dtype }) => {
        const total = sizes.reduce((a, b) => a + b);
        const whole = shape.map((size, i) => (i === axis ? total : size));
        const values = valuesOf(dtype, product(whole));
        // The parts by the definition: an element belongs to the part whose stretch of the axis it lies in.
        const parts = sizes.map((): number[] => []);
        forEachIndex(whole, (position, i) => {
          let part = 0;
          for (let left = at(position, axis); left >= at(sizes, part); part++) left -= at(sizes, part);
          at(parts, part).push(at(values, i));
        });
        const partShapes = sizes.map((size) => shape.map((own, i) => (i === axis ? size : own)));
        const inputs = parts.map((part, i) => tf.tensor(part, at(partShapes, i), dtype));
        const joint = tf.concat(inputs, axis);
        expect(joint.shape).toEqual(whole);
        expect(joint.dtype).toBe(dtype);
        expect(Array.from(joint.dataSync())).toEqual(values);
        const again = tf.split(joint, sizes, axis);
        again.forEach((tensor, i) => {
          expect(tensor.shape).toEqual(at(partShapes, i));
          expect(Array.from(tensor.dataSync())).toEqual(at(parts, i));
        });
        tf.dispose([inputs, joint, again]);
      }),
      runs,
    );
  });

  it('unstack undoes stack, along any axis', () => {
    fc.assert(
      fc.property(
        shapes(0, 4).chain((shape) => fc.tuple(fc.constant(shape), fc.nat({ max: shape.length }), fc.nat({ max: 4 }))),
        ([shape, axis, more]) => {
          const count = more + 1;
          const whole = [...shape.slice(0, axis), count, ...shape.slice(axis)];
          const parts = Array.from({ length: count }, (): number[] => []);
          forEachIndex(whole, (position, i) => at(parts, at(position, axis)).push(i));
          const inputs = parts.map((part) => tf.tensor(part, shape, 'int32'));
          const joint = tf.stack(inputs, axis);
          expect(joint.shape).toEqual(whole);
          expect(Array.from(joint.dataSync())).toEqual(Array.from({ length: product(whole) }, (_, i) => i));
          const again = tf.unstack(joint, axis);
          again.forEach((tensor, i) => {
            expect(tensor.shape).toEqual(shape);
            expect(Array.from(tensor.dataSync())).toEqual(at(parts, i));
          });
          tf.dispose([inputs, joint, again]);
        },
      ),
      runs,
    );
  });

  it('joins many thin columns of many rows', () => {
    const rows = 9000;
    const columns = [0, 1, 2].map((c) =>
      tf.tensor2d(
        Float32Array.from({ length: rows }, (_, r) => 3 * r + c),
        [rows, 1],
      ),
    );
    const joint = tf.concat(columns, 1);
    expect(joint.dataSync().every((value, i) => value === i)).toBe(true);
    tf.dispose([columns, joint]);
  });
});

describe('diag', () => {
  it('puts a tensor on the diagonal', () => {
    for (const dtype of dtypes) {
      const x = tf.tensor1d([1, 1, 0, 1], dtype);
      const y = tf.diag(x);
      expect(y.shape).toEqual([4, 4]);
      expect(Array.from(y.dataSync())).toEqual([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
      tf.dispose([x, y]);
    }
  });
});

describe('expandDims', () => {
  it('adds an axis of one anywhere', () => {
    const x = tf.tensor2d([[1, 2, 3]]);
    expect(tf.tidy(() => [-3, -2, -1, 0, 1, 2].map((axis) => tf.expandDims(x, axis).shape))).toEqual([
      [1, 1, 3],
      [1, 1, 3],
      [1, 3, 1],
      [1, 1, 3],
      [1, 1, 3],
      [1, 3, 1],
    ]);
    x.dispose();
  });
});

describe('spaceToBatchND, batchToSpaceND, depthToSpace', () => {
  it('moves blocks into the batch', () => {
    // Padded by one row and column: output (i·2 + j, h, w) is the padded image at (2h + i, 2w + j).
    expectMoved(
      [1, 3, 5, 2],
      (x) => tf.spaceToBatchND(x, [2, 2], [[1, 0], [0, 1]]), // prettier-ignore
      [4, 2, 3, 2],
      ([n, h, w, c]) => {
        const row = 2 * (h as number) + ((n as number) >> 1) - 1;
        const column = 2 * (w as number) + ((n as number) & 1);
        return row < 0 || column > 4 ? 0 : [0, row, column, c as number];
      },
    );
  });

  it('moves them back', () => {
    expectMoved(
      [4, 2, 3, 2],
      (x) => tf.batchToSpaceND(x, [2, 2], [[1, 0], [0, 1]]), // prettier-ignore
      [1, 3, 5, 2],
      ([, h, w, c]) => {
        const row = (h as number) + 1;
        const column = w as number;
        return [(row % 2) * 2 + (column % 2), row >> 1, column >> 1, c as number];
      },
    );
  });

  it('moves channels into blocks', () => {
    const x = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18], [1, 1, 2, 8]);
    const y = tf.depthToSpace(x, 2);
    expect(y.shape).toEqual([1, 2, 4, 2]);
    expect(Array.from(y.dataSync())).toEqual([1, 2, 3, 4, 11, 12, 13, 14, 5, 6, 7, 8, 15, 16, 17, 18]);
    tf.dispose([x, y]);
  });
});

describe('tensors larger than the cache', () => {
  const [rows, columns] = [2051, 3203];
  const values = Float32Array.from({ length: rows * columns }, (_, i) => i);
  const countWrong = (y: tf.Tensor, expected: (i: number) => number) => {
    let wrong = 0;
    y.dataSync().forEach((value, i) => {
      if (value !== expected(i)) wrong++;
    });
    y.dispose();
    return wrong;
  };

  it('are sliced, padded, mirrored, reversed and tiled', () => {
    const x = tf.tensor2d(values, [rows, columns]);
    const width = columns - 2;
    const wide = columns + 2;
    const inside = (i: number) => [Math.floor(i / wide) - 1, (i % wide) - 1] as const;
    const mirrored = (at: number, size: number) => (at < 0 ? -at : at < size ? at : 2 * size - 2 - at);
    const around: [number, number][] = [[1, 1], [1, 1]]; // prettier-ignore
    expect(
      countWrong(tf.slice(x, [0, 1], [rows, width]), (i) => Math.floor(i / width) * columns + (i % width) + 1),
    ).toBe(0);
    expect(
      countWrong(tf.pad(x, around, -1), (i) => {
        const [r, c] = inside(i);
        return r < 0 || c < 0 || r >= rows || c >= columns ? -1 : r * columns + c;
      }),
    ).toBe(0);
    expect(
      countWrong(tf.mirrorPad(x, around, 'reflect'), (i) => {
        const [r, c] = inside(i);
        return mirrored(r, rows) * columns + mirrored(c, columns);
      }),
    ).toBe(0);
    expect(countWrong(tf.reverse(x), (i) => values.length - 1 - i)).toBe(0);
    expect(countWrong(tf.tile(x, [1, 2]), (i) => Math.floor(i / 2 / columns) * columns + (i % columns))).toBe(0);
    x.dispose();
  });

  it.each([
    [0, [1000, 1, 1050]],
    [1, [1601, 2, 1600]],
  ])('are split along axis %d and joined again', (axis, sizes) => {
    const x = tf.tensor2d(values, [rows, columns]);
    const parts = tf.split(x, sizes, axis);
    expect(countWrong(tf.concat(parts, axis), (i) => i)).toBe(0);
    let begin = 0;
    parts.forEach((part, k) => {
      const first = begin;
      const width = axis === 0 ? columns : at(sizes, k);
      expect(
        countWrong(part, (i) =>
          axis === 0 ? first * columns + i : Math.floor(i / width) * columns + first + (i % width),
        ),
      ).toBe(0);
      begin += at(sizes, k);
    });
    x.dispose();
  });

  it('are joined in short rows that are whole lines of the cache', () => {
    const count = 120_000;
    const parts = [0, 1].map((k) =>
      tf.tensor2d(
        Float32Array.from({ length: count * 32 }, (_, i) => Math.floor(i / 32) * 64 + k * 32 + (i % 32)),
        [count, 32],
      ),
    );
    expect(countWrong(tf.concat(parts, 1), (i) => i)).toBe(0);
    tf.dispose(parts);
  });
});
