import { allocate } from './memory';

/** Pixels of three bytes as pixels of four, and back. */
export function expandRgb(from: usize, pixels: usize, to: usize): void {
  const zero = i8x16.splat(0);
  for (let i: usize = 0; i < pixels; i += 4) {
    const bytes = v128.load(from + i * 3);
    v128.store(to + i * 4, i8x16.shuffle(bytes, zero, 0, 1, 2, 16, 3, 4, 5, 16, 6, 7, 8, 16, 9, 10, 11, 16));
  }
}

export function packRgb(from: usize, pixels: usize, to: usize): void {
  for (let i: usize = 0; i < pixels; i += 4) {
    const bytes = v128.load(from + i * 4);
    v128.store(to + i * 3, i8x16.shuffle(bytes, bytes, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 3, 3, 3));
  }
}

/** One row of `width` pixels as four floats each: the weighted sum of `count` rows of bytes. */
function mixRows(from: usize, stride: usize, count: i32, weights: usize, width: i32, to: usize): void {
  for (let x: usize = 0; x < <usize>width; x += 4) {
    let a = f32x4.splat(0);
    let b = f32x4.splat(0);
    let c = f32x4.splat(0);
    let d = f32x4.splat(0);
    let at = from + x * 4;
    for (let k: i32 = 0; k < count; k++) {
      const weight = v128.load32_splat(weights + <usize>k * 4);
      const bytes = v128.load(at);
      const low = i16x8.extend_low_i8x16_u(bytes);
      const high = i16x8.extend_high_i8x16_u(bytes);
      a = f32x4.add(a, f32x4.mul(weight, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(low))));
      b = f32x4.add(b, f32x4.mul(weight, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(low))));
      c = f32x4.add(c, f32x4.mul(weight, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(high))));
      d = f32x4.add(d, f32x4.mul(weight, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(high))));
      at += stride;
    }
    const out = to + x * 16;
    v128.store(out, a);
    v128.store(out, b, 16);
    v128.store(out, c, 32);
    v128.store(out, d, 48);
  }
}

/** One pixel: the weighted sum of `count` pixels, within [0, 255]. */
// @ts-ignore: decorator
@inline
function mixPixels(row: usize, starts: usize, weights: usize, count: i32, x: i32): v128 {
  let at = row + (<usize>load<i32>(starts + <usize>x * 4) << 4);
  let weight = weights + <usize>(x * count) * 4;
  let sum = f32x4.mul(v128.load32_splat(weight), v128.load(at));
  for (let k: i32 = 1; k < count; k++) {
    at += 16;
    weight += 4;
    sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(weight), v128.load(at)));
  }
  return f32x4.pmin(f32x4.splat(255), f32x4.pmax(f32x4.splat(0), sum));
}

/** `count` pixels of a row into three planes: four at a time, of which the last may be some of those before again. */
// @ts-ignore: decorator
@inline
function mixColumns(
  row: usize,
  starts: usize,
  weights: usize,
  count: i32,
  width: i32,
  mirror: bool,
  planes: usize,
  planeBytes: usize,
): void {
  const step = mirror ? -1 : 1;
  for (let x: i32 = 0; x < width; x += 4) {
    const first = min(x, width - 4);
    const source = mirror ? width - 1 - first : first;
    const a = mixPixels(row, starts, weights, count, source);
    const b = mixPixels(row, starts, weights, count, source + step);
    const c = mixPixels(row, starts, weights, count, source + 2 * step);
    const d = mixPixels(row, starts, weights, count, source + 3 * step);
    const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
    const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
    const abBlue = v128.shuffle<i32>(a, b, 2, 6, 2, 6);
    const cdBlue = v128.shuffle<i32>(c, d, 2, 6, 2, 6);
    const to = planes + <usize>first * 4;
    v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2));
    v128.store(to + planeBytes, v128.shuffle<i64>(ab, cd, 1, 3));
    v128.store(to + 2 * planeBytes, v128.shuffle<i64>(abBlue, cdBlue, 0, 2));
  }
}

/**
 * Weighted sums of rows, then of columns. Of the rows' taps there are `start` and `count` of each output, then
 * `mostRows` weights for each; of the columns', `start` and then `mostColumns` weights, all of which are used. The result
 * are three planes of floats, `planeBytes` apart; mirrored if asked for. At least four columns come out.
 */
export function resize(
  from: usize,
  stride: i32,
  width: i32,
  rowTaps: usize,
  height: i32,
  mostRows: i32,
  columnTaps: usize,
  outWidth: i32,
  mostColumns: i32,
  mirror: bool,
  planes: usize,
  planeBytes: usize,
): bool {
  const rowBytes = (<usize>width + 4 + mostColumns) * 16;
  const row = allocate(rowBytes);
  if (row == 0) return false;
  // Weights of 0 reach over the end, where there must be numbers.
  memory.fill(row, 0, rowBytes);
  const counts = rowTaps + <usize>height * 4;
  const rowWeights = counts + <usize>height * 4;
  const weights = columnTaps + <usize>outWidth * 4;
  for (let y: i32 = 0; y < height; y++) {
    const at = <usize>y * 4;
    const first = from + <usize>load<i32>(rowTaps + at) * stride;
    mixRows(first, stride, load<i32>(counts + at), rowWeights + at * mostRows, width, row);
    const to = planes + <usize>y * outWidth * 4;
    if (mirror) mixColumns(row, columnTaps, weights, mostColumns, outWidth, true, to, planeBytes);
    else mixColumns(row, columnTaps, weights, mostColumns, outWidth, false, to, planeBytes);
  }
  return true;
}

/** The weighted sum of `count` pixels of four bytes, `step` apart, to whole numbers; weights are multiples of 2⁻²². */
// @ts-ignore: decorator
@inline
function mixBytes(from: usize, step: usize, weights: usize, count: i32): v128 {
  let sum = i32x4.splat(1 << 21);
  for (let k: i32 = 0; k < count; k++) {
    const pixel = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(from)));
    sum = i32x4.add(sum, i32x4.mul(v128.load32_splat(weights), pixel));
    from += step;
    weights += 4;
  }
  const whole = i32x4.shr_s(sum, 22);
  return i32x4.min_s(i32x4.splat(255), i32x4.max_s(i32x4.splat(0), whole));
}

/**
 * The same as PIL does it, bit by bit: columns first, in whole numbers, and either pass rounded. Weights are i32, in units
 * of 2⁻²². Of the image there are `rows` rows; nothing is mirrored.
 */
export function resizeRounded(
  from: usize,
  stride: i32,
  rows: i32,
  rowTaps: usize,
  height: i32,
  mostRows: i32,
  columnTaps: usize,
  outWidth: i32,
  mostColumns: i32,
  planes: usize,
  planeBytes: usize,
): bool {
  const narrowStride = <usize>outWidth * 4;
  const narrow = allocate(narrowStride * rows);
  if (narrow == 0) return false;
  const columnWeights = columnTaps + <usize>outWidth * 4;
  for (let y: usize = 0; y < <usize>rows; y++) {
    for (let x: usize = 0; x < <usize>outWidth; x++) {
      const first = from + y * stride + (<usize>load<i32>(columnTaps + x * 4) << 2);
      const whole = mixBytes(first, 4, columnWeights + x * mostColumns * 4, mostColumns);
      const words = i16x8.narrow_i32x4_s(whole, whole);
      store<i32>(narrow + y * narrowStride + x * 4, i32x4.extract_lane(i8x16.narrow_i16x8_u(words, words), 0));
    }
  }
  const counts = rowTaps + <usize>height * 4;
  const rowWeights = counts + <usize>height * 4;
  for (let y: usize = 0; y < <usize>height; y++) {
    const first = narrow + <usize>load<i32>(rowTaps + y * 4) * narrowStride;
    let to = planes + y * narrowStride;
    for (let x: usize = 0; x < <usize>outWidth; x++) {
      const whole = mixBytes(first + x * 4, narrowStride, rowWeights + y * mostRows * 4, load<i32>(counts + y * 4));
      const pixel = f32x4.convert_i32x4_s(whole);
      store<f32>(to, f32x4.extract_lane(pixel, 0));
      store<f32>(to + planeBytes, f32x4.extract_lane(pixel, 1));
      store<f32>(to + 2 * planeBytes, f32x4.extract_lane(pixel, 2));
      to += 4;
    }
  }
  return true;
}
