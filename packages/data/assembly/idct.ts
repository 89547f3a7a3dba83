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

/** One pass along the first axis of 8×8 numbers, whose result goes to `at`, transposed. */
// @ts-ignore: decorator
@inline
function pass(
  v0: v128,
  v1: v128,
  v2: v128,
  v3: v128,
  v4: v128,
  v5: v128,
  v6: v128,
  v7: v128,
  at: usize,
  shift: i32,
): void {
  const rounding = i32x4.splat(1 << (shift - 1));
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

// @ts-ignore: decorator
@inline
function magnitudes(coefficients: v128, divisors: v128): v128 {
  return i32x4.dot_i16x8_s(i16x8.abs(coefficients), divisors);
}

/**
 * As much as two columns' coefficients may be in sum: then no number leaves its 16 bits, neither here nor in libjpeg,
 * which adds two columns before it multiplies, and would make something else of one that does. 64 numbers of 8 bits give
 * at most 4,096 in two columns, and 5,793 in four.
 */
const mostOfColumns: i32 = 5900;

/** Whether any two columns stay below it, from the sums of (0, 1), (2, 3), (4, 5) and (6, 7). */
function fits(sums: v128): bool {
  const most = i32x4.splat(mostOfColumns);
  const beside = i32x4.gt_s(i32x4.add(sums, v128.shuffle<i32>(sums, sums, 1, 2, 3, 0)), most);
  const across = i32x4.gt_s(i32x4.add(sums, v128.shuffle<i32>(sums, sums, 2, 3, 0, 1)), most);
  return !v128.any_true(v128.or(beside, across));
}

/**
 * Turns the coefficients at `at` into 8×8 pixels at `to`; what is at `at` is spent. Divisors are below 256. False where
 * the coefficients are too large for the pixels to be certain.
 */
export function inverseTransform(at: usize, quantization: usize, to: usize, stride: usize): bool {
  const c0 = v128.load(at);
  const c1 = v128.load(at, 16);
  const c2 = v128.load(at, 32);
  const c3 = v128.load(at, 48);
  const c4 = v128.load(at, 64);
  const c5 = v128.load(at, 80);
  const c6 = v128.load(at, 96);
  const c7 = v128.load(at, 112);
  const d0 = v128.load(quantization);
  const d1 = v128.load(quantization, 16);
  const d2 = v128.load(quantization, 32);
  const d3 = v128.load(quantization, 48);
  const d4 = v128.load(quantization, 64);
  const d5 = v128.load(quantization, 80);
  const d6 = v128.load(quantization, 96);
  const d7 = v128.load(quantization, 112);
  const sum01 = i32x4.add(magnitudes(c0, d0), magnitudes(c1, d1));
  const sum23 = i32x4.add(magnitudes(c2, d2), magnitudes(c3, d3));
  const sum45 = i32x4.add(magnitudes(c4, d4), magnitudes(c5, d5));
  const sum67 = i32x4.add(magnitudes(c6, d6), magnitudes(c7, d7));
  const sums = i32x4.add(i32x4.add(sum01, sum23), i32x4.add(sum45, sum67));
  if (v128.any_true(i32x4.gt_s(sums, i32x4.splat(mostOfColumns / 2))) && !fits(sums)) return false;
  pass(
    i16x8.mul(c0, d0),
    i16x8.mul(c1, d1),
    i16x8.mul(c2, d2),
    i16x8.mul(c3, d3),
    i16x8.mul(c4, d4),
    i16x8.mul(c5, d5),
    i16x8.mul(c6, d6),
    i16x8.mul(c7, d7),
    at,
    11,
  );
  pass(
    v128.load(at),
    v128.load(at, 16),
    v128.load(at, 32),
    v128.load(at, 48),
    v128.load(at, 64),
    v128.load(at, 80),
    v128.load(at, 96),
    v128.load(at, 112),
    at,
    18,
  );
  storeRows(at, 0, to, stride);
  storeRows(at, 2, to, stride);
  storeRows(at, 4, to, stride);
  storeRows(at, 6, to, stride);
  return true;
}

/** The same where all coefficients but the first are 0: one value everywhere. */
export function inverseOfConstant(coefficient: i32, quantization: i32, to: usize, stride: usize): bool {
  const product = coefficient * quantization;
  if (abs(product) > mostOfColumns / 2) return false;
  // Two passes of a constant: ·2² with nothing lost, then rounded by 5 bits.
  const level = ((product << 2) + 16) >> 5;
  const bytes = i8x16.splat(<i8>max(0, min(255, level + 128)));
  for (let row: usize = 0; row < 8; row++) v128.store64_lane(to + row * stride, bytes, 0);
  return true;
}
