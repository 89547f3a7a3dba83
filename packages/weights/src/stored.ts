/** A tensor outside of any engine: values in row-major order. */
export interface StoredTensor {
  shape: number[];
  values: Float32Array;
}

/** How many values a shape holds; `NaN` where a dimension is no whole number ≥ 0 or the product is beyond 2⁵³. */
export function sizeOf(shape: readonly number[]): number {
  const good = shape.every((dimension) => Number.isSafeInteger(dimension) && dimension >= 0);
  const size = shape.reduce((a, b) => a * b, 1);
  return good && Number.isSafeInteger(size) ? size : Number.NaN;
}

/**
 * `[2, 3]`, for messages; of a shape that a file claims, at most eight dimensions.
 *
 * @example
 * formatShape([2, 3]); // '[2, 3]'
 */
export function formatShape(shape: readonly unknown[]): string {
  return `[${shape.slice(0, 8).map(String).join(', ')}${shape.length > 8 ? ', …' : ''}]`;
}
