import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, dtypes, forEachIndex, product, runs, shapes, valuesOf } from './fixtures/moves.js';
import { checkEachTest } from './fixtures/onednn.js';

checkEachTest();

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
