import { allocate } from './memory';

/**
 * R = Y + 1.402·Cr, G = Y − 0.34414·Cb − 0.71414·Cr, B = Y + 1.772·Cb, with Cb and Cr around 128, in 16-bit fixed point,
 * rounded, as libjpeg's tables have it. Each constant is a whole number plus a rest that 16 bits hold.
 */
// @ts-ignore: decorator
@inline
function fixed(pairs: v128, first: i16, second: i16): v128 {
  const products = i32x4.dot_i16x8_s(pairs, i16x8(first, second, first, second, first, second, first, second));
  return i32x4.shr_s(i32x4.add(products, i32x4.splat(32768)), 16);
}

/** Eight pixels at `to`, red, green, blue, 0. Inputs are numbers of 16 bits. */
// @ts-ignore: decorator
@inline
function convert(y: v128, cb: v128, cr: v128, to: usize): void {
  const low = v128.shuffle<i16>(cb, cr, 0, 8, 1, 9, 2, 10, 3, 11);
  const high = v128.shuffle<i16>(cb, cr, 4, 12, 5, 13, 6, 14, 7, 15);
  const red = i16x8.narrow_i32x4_s(fixed(low, 0, 26345), fixed(high, 0, 26345));
  const green = i16x8.narrow_i32x4_s(fixed(low, -22554, 18734), fixed(high, -22554, 18734));
  const blue = i16x8.narrow_i32x4_s(fixed(low, -14942, 0), fixed(high, -14942, 0));
  const r = i16x8.add(i16x8.add(y, cr), red);
  const g = i16x8.add(i16x8.sub(y, cr), green);
  const b = i16x8.add(i16x8.add(y, i16x8.shl(cb, 1)), blue);
  const rb = i8x16.narrow_i16x8_u(r, b);
  const gx = i8x16.narrow_i16x8_u(g, i16x8.splat(0));
  const rg = i8x16.shuffle(rb, gx, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const bx = i8x16.shuffle(rb, gx, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  v128.store(to, v128.shuffle<i16>(rg, bx, 0, 8, 1, 9, 2, 10, 3, 11));
  v128.store(to, v128.shuffle<i16>(rg, bx, 4, 12, 5, 13, 6, 14, 7, 15), 16);
}

function convertRow(y: usize, cb: usize, cr: usize, width: i32, to: usize): void {
  const middle = i16x8.splat(128);
  for (let x: usize = 0; x < <usize>width; x += 8) {
    const luma = v128.load8x8_u(y + x);
    convert(luma, i16x8.sub(v128.load8x8_u(cb + x), middle), i16x8.sub(v128.load8x8_u(cr + x), middle), to + x * 4);
  }
}

/**
 * Sums of a chroma row with its neighbour, 3·near + far (or the row itself), for samples [from − 1, to + 1); those beyond
 * the image's edge repeat the last.
 */
function columnSums(near: usize, far: usize, from: i32, to: i32, size: i32, sums: usize): void {
  const first = max(from - 1, 0);
  const last = min(to + 1, size);
  const offset = first - (from - 1);
  const three = i16x8.splat(3);
  for (let i = first; i < last; i += 8) {
    let sum = v128.load8x8_u(near + i);
    if (far != 0) sum = i16x8.add(i16x8.mul(sum, three), v128.load8x8_u(far + i));
    v128.store(sums + <usize>(i - first + offset) * 2, sum);
  }
  if (offset > 0) store<u16>(sums, load<u16>(sums + 2));
  if (last < to + 1) {
    const end = sums + <usize>(last - first + offset) * 2;
    store<u16>(end, load<u16>(end - 2));
  }
}

/** Two pixels for each sample: a quarter of the neighbour on their side, three of their own. */
function doubleRow(sums: usize, count: i32, bias: i32, shift: i32, to: usize): void {
  const three = i16x8.splat(3);
  const even = i16x8.splat(<i16>(bias >> 16));
  const odd = i16x8.splat(<i16>(bias & 0xffff));
  for (let i: usize = 0; i < <usize>count; i += 8) {
    const before = v128.load(sums + i * 2);
    const own = i16x8.mul(v128.load(sums + i * 2, 2), three);
    const after = v128.load(sums + i * 2, 4);
    const left = i16x8.shr_u(i16x8.add(i16x8.add(own, before), even), shift);
    const right = i16x8.shr_u(i16x8.add(i16x8.add(own, after), odd), shift);
    // Each fits a byte: the right one goes to the upper half of its 16 bits.
    v128.store(to + i * 2, v128.or(left, i16x8.shl(right, 8)));
  }
}

/**
 * The pixels [left, right) × [top, bottom) of an image from its planes, red, green, blue, 0. A plane's address is that of
 * its sample (0, 0), whether it is there or not. Chroma is halved `across` or both ways (`down`) and is brought back by
 * the triangle filter ("fancy upsampling"). False where memory is at its end.
 */
export function colorRows(
  y: usize,
  cb: usize,
  cr: usize,
  yStride: i32,
  cStride: i32,
  across: bool,
  down: bool,
  chromaWidth: i32,
  chromaHeight: i32,
  left: i32,
  top: i32,
  right: i32,
  bottom: i32,
  to: usize,
  toStride: i32,
): bool {
  const from = left >> 1;
  const end = ((right - 1) >> 1) + 1;
  const sums = allocate(<usize>(end - from + 32) * 2);
  const cbRow = allocate(<usize>(end - from + 32) * 2);
  const crRow = allocate(<usize>(end - from + 32) * 2);
  if (crRow == 0) return false;
  for (let row = top; row < bottom; row++) {
    const luma = y + row * yStride + left;
    const out = to + (row - top) * toStride;
    if (!across) {
      convertRow(luma, cb + row * cStride + left, cr + row * cStride + left, right - left, out);
      continue;
    }
    const near = down ? row >> 1 : row;
    const far = max(0, min(chromaHeight - 1, (row & 1) == 1 ? near + 1 : near - 1));
    const bias = down ? (8 << 16) | 7 : (1 << 16) | 2;
    const shift = down ? 4 : 2;
    columnSums(cb + near * cStride, down ? cb + far * cStride : 0, from, end, chromaWidth, sums);
    doubleRow(sums, end - from, bias, shift, cbRow);
    columnSums(cr + near * cStride, down ? cr + far * cStride : 0, from, end, chromaWidth, sums);
    doubleRow(sums, end - from, bias, shift, crRow);
    const odd = left & 1;
    convertRow(luma, cbRow + odd, crRow + odd, right - left, out);
  }
  return true;
}

/** The same of an image with one plane. */
export function grayRows(
  y: usize,
  stride: i32,
  left: i32,
  top: i32,
  right: i32,
  bottom: i32,
  to: usize,
  toStride: i32,
): void {
  const zero = i8x16.splat(0);
  for (let row = top; row < bottom; row++) {
    const luma = y + row * stride + left;
    const out = to + (row - top) * toStride;
    for (let x: usize = 0; x < <usize>(right - left); x += 4) {
      const values = v128.load32_zero(luma + x);
      v128.store(out + x * 4, i8x16.shuffle(values, zero, 0, 0, 0, 16, 1, 1, 1, 16, 2, 2, 2, 16, 3, 3, 3, 16));
    }
  }
}
