/**
 * Colours change on three planes of floats, `bytes` each, which lie one after the other. Changes are records of 16 bytes:
 * a kind and up to three numbers. All are done to some hundred pixels before the next: these stay in the nearest cache.
 */
const enum Kind {
  /** v·a + b. */
  linear = 0,
  /** v·a + luma·b. */
  saturation = 1,
  /** Hue, saturation and value are multiplied by a, b and c. */
  hsv = 2,
}

/** Bytes of each plane at a time; few enough that a sum of floats stays exact to some 1e-6. */
const chunk: usize = 1024;

// @ts-ignore: decorator
@inline
function clamp(value: v128): v128 {
  return f32x4.pmin(f32x4.splat(255), f32x4.pmax(f32x4.splat(0), value));
}
// @ts-ignore: decorator
@inline
function mulAdd(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(a, b), c);
}
// @ts-ignore: decorator
@inline
function luma(r: v128, g: v128, b: v128): v128 {
  return mulAdd(b, f32x4.splat(0.114), mulAdd(g, f32x4.splat(0.587), f32x4.mul(r, f32x4.splat(0.299))));
}

/** Does all changes to the pixels from `from` to `to`, addresses in the first plane. */
// @ts-ignore: decorator
@inline
function change(from: usize, to: usize, bytes: usize, changes: usize, count: i32): void {
  for (let i: i32 = 0; i < count; i++) {
    const record = changes + (<usize>i << 4);
    const kind = load<i32>(record);
    const first = v128.load32_splat(record, 4);
    const second = v128.load32_splat(record, 8);
    if (kind == Kind.linear) linear(from, to, bytes, first, second);
    else if (kind == Kind.saturation) saturate(from, to, bytes, first, second);
    else scaleHsv(from, to, bytes, first, second, v128.load32_splat(record, 12));
  }
}

function linear(from: usize, to: usize, bytes: usize, factor: v128, rest: v128): void {
  for (let at = from; at < to; at += 16) {
    v128.store(at, clamp(mulAdd(v128.load(at), factor, rest)));
    v128.store(at + bytes, clamp(mulAdd(v128.load(at + bytes), factor, rest)));
    v128.store(at + 2 * bytes, clamp(mulAdd(v128.load(at + 2 * bytes), factor, rest)));
  }
}

function saturate(from: usize, to: usize, bytes: usize, factor: v128, other: v128): void {
  for (let at = from; at < to; at += 16) {
    const r = v128.load(at);
    const g = v128.load(at + bytes);
    const b = v128.load(at + 2 * bytes);
    const rest = f32x4.mul(other, luma(r, g, b));
    v128.store(at, clamp(mulAdd(r, factor, rest)));
    v128.store(at + bytes, clamp(mulAdd(g, factor, rest)));
    v128.store(at + 2 * bytes, clamp(mulAdd(b, factor, rest)));
  }
}

/** Does changes in place, and returns the sum of all pixels' luma. */
export function changeAndSum(planes: usize, bytes: usize, changes: usize, count: i32): f64 {
  let total: f64 = 0;
  for (let from = planes; from < planes + bytes; from += chunk) {
    const to = min(from + chunk, planes + bytes);
    change(from, to, bytes, changes, count);
    let sum = f32x4.splat(0);
    for (let at = from; at < to; at += 16) {
      sum = f32x4.add(sum, luma(v128.load(at), v128.load(at + bytes), v128.load(at + 2 * bytes)));
    }
    total += <f64>f32x4.extract_lane(sum, 0) + <f64>f32x4.extract_lane(sum, 1);
    total += <f64>f32x4.extract_lane(sum, 2) + <f64>f32x4.extract_lane(sum, 3);
  }
  return total;
}

/**
 * Does changes, then (v + shift)·scale of each channel, and writes pixels of three floats. `affine` are the three shifts
 * and the three scales. Up to 48 bytes more are written than there are.
 */
export function changeAndInterleave(
  planes: usize,
  bytes: usize,
  changes: usize,
  count: i32,
  affine: usize,
  to: usize,
): void {
  const shiftR = v128.load32_splat(affine);
  const shiftG = v128.load32_splat(affine, 4);
  const shiftB = v128.load32_splat(affine, 8);
  const scaleR = v128.load32_splat(affine, 12);
  const scaleG = v128.load32_splat(affine, 16);
  const scaleB = v128.load32_splat(affine, 20);
  for (let from = planes; from < planes + bytes; from += chunk) {
    const end = min(from + chunk, planes + bytes);
    change(from, end, bytes, changes, count);
    for (let at = from; at < end; at += 16) {
      const r = f32x4.mul(f32x4.add(v128.load(at), shiftR), scaleR);
      const g = f32x4.mul(f32x4.add(v128.load(at + bytes), shiftG), scaleG);
      const b = f32x4.mul(f32x4.add(v128.load(at + 2 * bytes), shiftB), scaleB);
      const rg = v128.shuffle<i32>(r, g, 0, 4, 1, 5);
      const rgUpper = v128.shuffle<i32>(r, g, 2, 6, 3, 7);
      const br = v128.shuffle<i32>(b, r, 0, 5, 2, 7);
      const gb = v128.shuffle<i32>(g, b, 1, 5, 3, 7);
      v128.store(to, v128.shuffle<i64>(rg, br, 0, 2));
      v128.store(to, v128.shuffle<i64>(gb, rgUpper, 0, 2), 16);
      v128.store(to, v128.shuffle<i64>(br, gb, 1, 3), 32);
      to += 48;
    }
  }
}

/** value mod 6, for values from 0 to 12. */
// @ts-ignore: decorator
@inline
function turn(value: v128): v128 {
  const six = f32x4.splat(6);
  return f32x4.sub(value, v128.and(six, f32x4.ge(value, six)));
}

/** v·(1 − s·max(0, min(k, 4 − k, 1))), k = n + sector mod 6. */
// @ts-ignore: decorator
@inline
function channel(sector: v128, n: f32, s: v128, v: v128): v128 {
  const one = f32x4.splat(1);
  const k = turn(f32x4.add(sector, f32x4.splat(n)));
  const ramp = f32x4.pmin(f32x4.pmin(k, f32x4.sub(f32x4.splat(4), k)), one);
  return f32x4.mul(v, f32x4.sub(one, f32x4.mul(s, f32x4.pmax(f32x4.splat(0), ramp))));
}

/** Multiplies hue (in sixths of the circle, from red), saturation and value. */
function scaleHsv(from: usize, to: usize, bytes: usize, hue: v128, saturation: v128, value: v128): void {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  for (let at = from; at < to; at += 16) {
  const r = v128.load(at);
  const g = v128.load(at + bytes);
  const b = v128.load(at + 2 * bytes);
  const most = f32x4.pmax(r, f32x4.pmax(g, b));
  const chroma = f32x4.sub(most, f32x4.pmin(r, f32x4.pmin(g, b)));
  const colored = f32x4.gt(chroma, zero);
  const divisor = v128.bitselect(chroma, one, colored);
  const ofRed = turn(f32x4.add(f32x4.div(f32x4.sub(g, b), divisor), f32x4.splat(6)));
  const ofGreen = f32x4.add(f32x4.div(f32x4.sub(b, r), divisor), f32x4.splat(2));
  const ofBlue = f32x4.add(f32x4.div(f32x4.sub(r, g), divisor), f32x4.splat(4));
  const notRed = v128.bitselect(ofGreen, ofBlue, f32x4.eq(most, g));
  const angle = v128.and(v128.bitselect(ofRed, notRed, f32x4.eq(most, r)), colored);
  const sector = turn(f32x4.mul(angle, hue));
  const dark = f32x4.eq(most, zero);
  const share = v128.andnot(f32x4.div(chroma, v128.bitselect(one, most, dark)), dark);
  const s = f32x4.pmin(one, f32x4.mul(share, saturation));
  const v = f32x4.pmin(f32x4.splat(255), f32x4.mul(most, value));
  v128.store(at, clamp(channel(sector, 5, s, v)));
  v128.store(at + bytes, clamp(channel(sector, 3, s, v)));
  v128.store(at + 2 * bytes, clamp(channel(sector, 1, s, v)));
  }
}
