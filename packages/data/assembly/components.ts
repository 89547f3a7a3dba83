import { tableOf } from './huffman';

/** A component's tables, and the part of it that is wanted, in blocks; its pixels go to a plane. */
const stride: usize = 64;
const records = memory.data(4 * <i32>stride, 16);
/** Divisors in natural order, 64 of 16 bits for each component. */
const quantization = memory.data(4 * 128, 16);
/** The coefficients of a block in natural order, and room for those that a damaged file puts behind it. */
const coefficients = memory.data(128 + 64, 16);

export function quantizationPointer(component: i32): usize {
  return quantization + <usize>component * 128;
}

export function coefficientsPointer(): usize {
  return coefficients;
}

export function componentTables(component: i32, dc: i32, ac: i32): void {
  const record = recordOf(component);
  store<usize>(record, tableOf(dc));
  store<usize>(record + 4, tableOf(4 + ac));
}

// @ts-ignore: decorator
@inline
export function recordOf(component: i32): usize {
  return records + <usize>component * stride;
}

// @ts-ignore: decorator
@inline
export function dcTable(record: usize): usize {
  return load<usize>(record);
}
// @ts-ignore: decorator
@inline
export function acTable(record: usize): usize {
  return load<usize>(record + 4);
}
