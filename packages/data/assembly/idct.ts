/**
 * The inverse cosine transform of 8×8 coefficients: Loeffler, Ligtenberg and Moschytz (1989) with 13-bit constants, the
 * columns first, with two bits more kept between the passes. Every sum is a whole number, so the order of the terms does
 * not matter, and pixels equal those of every decoder that computes so ("islow").
 *
 * The odd half is written out: each of its four outputs is a sum of all four odd inputs.
 */
// @ts-ignore: decorator
@inline
function pair(a: i16, b: i16): v128 {
  return i16x8(a, b, a, b, a, b, a, b);
}

// @ts-ignore: decorator
@inline
function low(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
// @ts-ignore: decorator
@inline
function high(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
// @ts-ignore: decorator
@inline
function low32(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 0, 4, 1, 5);
}
// @ts-ignore: decorator
@inline
function high32(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 2, 6, 3, 7);
}
// @ts-ignore: decorator
@inline
function low64(a: v128, b: v128): v128 {
  return v128.shuffle<i64>(a, b, 0, 2);
}
// @ts-ignore: decorator
@inline
function high64(a: v128, b: v128): v128 {
  return v128.shuffle<i64>(a, b, 1, 3);
}

// @ts-ignore: decorator
@inline
function descale(lower: v128, upper: v128, rounding: v128, shift: i32): v128 {
  return i16x8.narrow_i32x4_s(
    i32x4.shr_s(i32x4.add(lower, rounding), shift),
    i32x4.shr_s(i32x4.add(upper, rounding), shift),
  );
}

/** One pass along the first axis of 8×8 numbers at `at`, whose result is transposed in place. */
// @ts-ignore: decorator
@inline
function pass(at: usize, shift: i32): void {
  const rounding = i32x4.splat(1 << (shift - 1));
  const v0 = v128.load(at);
  const v1 = v128.load(at, 16);
  const v2 = v128.load(at, 32);
  const v3 = v128.load(at, 48);
  const v4 = v128.load(at, 64);
  const v5 = v128.load(at, 80);
  const v6 = v128.load(at, 96);
  const v7 = v128.load(at, 112);

  const l04 = low(v0, v4);
  const h04 = high(v0, v4);
  const l26 = low(v2, v6);
  const h26 = high(v2, v6);
  const sum = pair(8192, 8192);
  const difference = pair(8192, -8192);
  const c2 = pair(4433, -10704);
  const c3 = pair(10703, 4433);
  const t0l = i32x4.dot_i16x8_s(l04, sum);
  const t0h = i32x4.dot_i16x8_s(h04, sum);
  const t1l = i32x4.dot_i16x8_s(l04, difference);
  const t1h = i32x4.dot_i16x8_s(h04, difference);
  const t2l = i32x4.dot_i16x8_s(l26, c2);
  const t2h = i32x4.dot_i16x8_s(h26, c2);
  const t3l = i32x4.dot_i16x8_s(l26, c3);
  const t3h = i32x4.dot_i16x8_s(h26, c3);
  const e0l = i32x4.add(t0l, t3l);
  const e0h = i32x4.add(t0h, t3h);
  const e3l = i32x4.sub(t0l, t3l);
  const e3h = i32x4.sub(t0h, t3h);
  const e1l = i32x4.add(t1l, t2l);
  const e1h = i32x4.add(t1h, t2h);
  const e2l = i32x4.sub(t1l, t2l);
  const e2h = i32x4.sub(t1h, t2h);

  const l17 = low(v1, v7);
  const h17 = high(v1, v7);
  const l35 = low(v3, v5);
  const h35 = high(v3, v5);
  const o3a = pair(11363, 2260);
  const o3b = pair(9633, 6437);
  const o2a = pair(9633, -6436);
  const o2b = pair(-2259, -11362);
  const o1a = pair(6437, 9633);
  const o1b = pair(-11362, 2261);
  const o0a = pair(2260, -11363);
  const o0b = pair(-6436, 9633);
  const o3l = i32x4.add(i32x4.dot_i16x8_s(l17, o3a), i32x4.dot_i16x8_s(l35, o3b));
  const o3h = i32x4.add(i32x4.dot_i16x8_s(h17, o3a), i32x4.dot_i16x8_s(h35, o3b));
  const o2l = i32x4.add(i32x4.dot_i16x8_s(l17, o2a), i32x4.dot_i16x8_s(l35, o2b));
  const o2h = i32x4.add(i32x4.dot_i16x8_s(h17, o2a), i32x4.dot_i16x8_s(h35, o2b));
  const o1l = i32x4.add(i32x4.dot_i16x8_s(l17, o1a), i32x4.dot_i16x8_s(l35, o1b));
  const o1h = i32x4.add(i32x4.dot_i16x8_s(h17, o1a), i32x4.dot_i16x8_s(h35, o1b));
  const o0l = i32x4.add(i32x4.dot_i16x8_s(l17, o0a), i32x4.dot_i16x8_s(l35, o0b));
  const o0h = i32x4.add(i32x4.dot_i16x8_s(h17, o0a), i32x4.dot_i16x8_s(h35, o0b));

  const w0 = descale(i32x4.add(e0l, o3l), i32x4.add(e0h, o3h), rounding, shift);
  const w7 = descale(i32x4.sub(e0l, o3l), i32x4.sub(e0h, o3h), rounding, shift);
  const w1 = descale(i32x4.add(e1l, o2l), i32x4.add(e1h, o2h), rounding, shift);
  const w6 = descale(i32x4.sub(e1l, o2l), i32x4.sub(e1h, o2h), rounding, shift);
  const w2 = descale(i32x4.add(e2l, o1l), i32x4.add(e2h, o1h), rounding, shift);
  const w5 = descale(i32x4.sub(e2l, o1l), i32x4.sub(e2h, o1h), rounding, shift);
  const w3 = descale(i32x4.add(e3l, o0l), i32x4.add(e3h, o0h), rounding, shift);
  const w4 = descale(i32x4.sub(e3l, o0l), i32x4.sub(e3h, o0h), rounding, shift);

  const a0 = low(w0, w1);
  const a1 = high(w0, w1);
  const a2 = low(w2, w3);
  const a3 = high(w2, w3);
  const a4 = low(w4, w5);
  const a5 = high(w4, w5);
  const a6 = low(w6, w7);
  const a7 = high(w6, w7);
  const b0 = low32(a0, a2);
  const b1 = high32(a0, a2);
  const b2 = low32(a1, a3);
  const b3 = high32(a1, a3);
  const b4 = low32(a4, a6);
  const b5 = high32(a4, a6);
  const b6 = low32(a5, a7);
  const b7 = high32(a5, a7);
  v128.store(at, low64(b0, b4));
  v128.store(at, high64(b0, b4), 16);
  v128.store(at, low64(b1, b5), 32);
  v128.store(at, high64(b1, b5), 48);
  v128.store(at, low64(b2, b6), 64);
  v128.store(at, high64(b2, b6), 80);
  v128.store(at, low64(b3, b7), 96);
  v128.store(at, high64(b3, b7), 112);
}

// @ts-ignore: decorator
@inline
function storeRows(at: usize, row: i32, to: usize, stride: usize): void {
  const middle = i16x8.splat(128);
  const first = i16x8.add_sat_s(v128.load(at + row * 16), middle);
  const second = i16x8.add_sat_s(v128.load(at + row * 16, 16), middle);
  const bytes = i8x16.narrow_i16x8_u(first, second);
  v128.store64_lane(to + <usize>row * stride, bytes, 0);
  v128.store64_lane(to + <usize>(row + 1) * stride, bytes, 1);
}

/** Turns the coefficients at `at` into 8×8 pixels at `to`; what is at `at` is spent. */
export function inverseTransform(at: usize, quantization: usize, to: usize, stride: usize): void {
  for (let row: usize = 0; row < 128; row += 16) {
    v128.store(at + row, i16x8.mul(v128.load(at + row), v128.load(quantization + row)));
  }
  pass(at, 11);
  pass(at, 18);
  storeRows(at, 0, to, stride);
  storeRows(at, 2, to, stride);
  storeRows(at, 4, to, stride);
  storeRows(at, 6, to, stride);
}

/** The same where all coefficients but the first are 0: one value everywhere. */
export function inverseOfConstant(coefficient: i32, quantization: i32, to: usize, stride: usize): void {
  // Two passes of a constant: ·2² with nothing lost, then rounded by 5 bits.
  const level = (((coefficient * quantization) << 2) + 16) >> 5;
  const bytes = i8x16.splat(<i8>max(0, min(255, level + 128)));
  for (let row: usize = 0; row < 8; row++) v128.store64_lane(to + row * stride, bytes, 0);
}
