import { concat, reshape, slice, type Tensor4D, zeros } from '@tensorflow/tfjs-core';

/** Rows or columns before and after: `[[top, bottom], [left, right]]`. */
export type Padding = [[number, number], [number, number]];

/** An option for both axes, or `[height, width]`. */
export function pairOf(operation: string, name: string, value: number | [number, number]): [number, number] {
  const pair: [number, number] = typeof value === 'number' ? [value, value] : value;
  if (!pair.every((n) => Number.isInteger(n) && n >= 1)) {
    throw new RangeError(`${operation}: expected ${name} of whole numbers ≥ 1, got [${pair.join(', ')}]`);
  }
  return pair;
}

/** An option for all four sides, or for each. */
export function paddingOf(operation: string, padding: number | Padding): Padding {
  const sides: Padding =
    typeof padding === 'number'
      ? [
          [padding, padding],
          [padding, padding],
        ]
      : padding;
  if (sides.length !== 2 || !sides.every((side) => Array.isArray(side) && side.length === 2)) {
    throw new TypeError(
      `${operation}: expected padding as a number or [[top, bottom], [left, right]], got ${JSON.stringify(padding)}`,
    );
  }
  if (!sides.flat().every((n) => Number.isInteger(n) && n >= 0)) {
    throw new RangeError(`${operation}: expected padding of whole numbers ≥ 0, got [${sides.flat().join(', ')}]`);
  }
  return sides;
}

/** @throws RangeError for a filter that is larger than the padded image. */
export function checkWindow(
  operation: string,
  x: Tensor4D,
  filter: Tensor4D,
  { strides, pad, dilations = [1, 1] }: { strides: [number, number]; pad: Padding; dilations?: [number, number] },
): void {
  for (const axis of [0, 1] as const) {
    const padded = (x.shape[axis + 1] as number) + pad[axis][0] + pad[axis][1];
    const extent = (filter.shape[axis] - 1) * dilations[axis] + 1;
    if (extent > padded) {
      throw new RangeError(
        `${operation}: the filter covers ${extent} pixels, the padded image has ${padded} (stride ${strides[axis]}); pad more or take a smaller filter`,
      );
    }
  }
}

/** Puts `step − 1` zeros between the entries of one axis. */
export function spread(x: Tensor4D, axis: 0 | 1 | 2, step: number): Tensor4D {
  if (step === 1) return x;
  const { shape } = x;
  const length = shape[axis];
  const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const entries = reshape(x, [outer, length, 1, inner]);
  const gaps = zeros([outer, length, step - 1, inner]);
  const spaced = reshape(concat([entries, gaps], 2), [outer, length * step, inner]);
  const size = (length - 1) * step + 1;
  const result: Tensor4D['shape'] = [...shape];
  result[axis] = size;
  return reshape(slice(spaced, [0, 0, 0], [outer, size, inner]), result);
}
