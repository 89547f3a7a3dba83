import { available, buffer, keepBits, next, nextSegment, openBits, overrun } from './bits';
import { acTable, coefficientsPointer, dcTable, quantizationPointer, recordOf } from './components';
import { endOfBlock, extend, kindMask, long, longEntry, lookupBits, special, stridesOf } from './huffman';
import { inverseOfConstant, inverseTransform } from './idct';

/** From the order in which coefficients are stored to byte offsets in natural order; 16 more for damaged files. */
const zigzag = memory.data<u8>([
  0, 2, 16, 32, 18, 4, 6, 20, 34, 48, 64, 50, 36, 22, 8, 10, 24, 38, 52, 66, 80, 96, 82, 68, 54, 40, 26, 12, 14, 28, 42, 56,
  70, 84, 98, 112, 114, 100, 86, 72, 58, 44, 30, 46, 60, 74, 88, 102, 116, 118, 104, 90, 76, 62, 78, 92, 106, 120, 122, 108,
  94, 110, 124, 126, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128,
]);

export const enum Status {
  done = 0,
  /** The bytes end too early. */
  short = 1,
  /** They are no such scan. */
  damaged = 2,
  memory = 3,
}

// @ts-ignore: decorator
@inline
function lookUp(table: usize, bits: u64): i32 {
  return load<i32>(table + (<usize>(bits >> (64 - lookupBits)) << 2));
}

// @ts-ignore: decorator
@inline
function strideAt(table: usize, bits: u64): i32 {
  return <i32>load<u16>(table + (<usize>(bits >> (64 - lookupBits)) << 1));
}

/**
 * Reads a block's bits. Returns its first coefficient's difference in the upper bits, times 4, plus 1 where it has other
 * coefficients, which lie in natural order at `at` if `at` is not 0; or `broken`.
 */
const broken: i32 = i32.MIN_VALUE;

// @ts-ignore: decorator
@inline
function readBlock(dc: usize, ac: usize, at: usize): i32 {
  let bits = buffer;
  let count = available;
  let from = next;
  bits |= load<u64>(from) >> <u64>count;
  from -= (63 - count) >> 3;
  count |= 56;

  let entry = lookUp(dc, bits);
  let difference: i32;
  if ((entry & kindMask) == 0) {
    const length = entry & 63;
    bits <<= <u64>length;
    count -= length;
    difference = entry >> 16;
  } else {
    if ((entry & kindMask) == long) entry = longEntry(dc, <i32>(bits >> 48), false);
    if (entry == 0) return broken;
    const length = entry & 63;
    const size = entry >> 16;
    if (size > 15) return broken;
    bits <<= <u64>length;
    difference = size == 0 ? 0 : extend(<i32>(bits >> <u64>(64 - size)), size);
    bits <<= <u64>size;
    count -= length + size;
  }

  const strides = stridesOf(ac);
  let k: i32 = 1;
  let others: i32 = 0;
  while (k < 64) {
    // 56 bits are there: enough for two whole symbols of 10 bits and one of up to 31.
    bits |= load<u64>(from) >> <u64>count;
    from -= (63 - count) >> 3;
    count |= 56;
    if (at == 0) {
      // At most two strides, so that 36 bits are left.
      let stride = strideAt(strides, bits);
      let end = k + ((stride >> 7) & 127);
      if (stride != 0 && end < 64) {
        k = end;
        bits <<= <u64>(stride & 127);
        count -= stride & 127;
        if ((stride & endOfBlock) != 0) break;
        stride = strideAt(strides, bits);
        end = k + ((stride >> 7) & 127);
        if (stride != 0 && end < 64) {
          k = end;
          bits <<= <u64>(stride & 127);
          count -= stride & 127;
          if ((stride & endOfBlock) != 0) break;
          continue;
        }
      }
    }
    entry = lookUp(ac, bits);
    if (at == 0 && (entry & kindMask) == 0) {
      bits <<= <u64>(entry & 63);
      count -= entry & 63;
      k += ((entry >> 8) & 255) + 1;
      continue;
    }
    if ((entry & kindMask) == 0) {
      bits <<= <u64>(entry & 63);
      count -= entry & 63;
      k += (entry >> 8) & 255;
      if (at != 0) store<i16>(at + <usize>load<u8>(zigzag + k), <i16>(entry >> 16));
      others = 1;
      if (++k >= 64) break;
      entry = lookUp(ac, bits);
      if ((entry & kindMask) == 0) {
        bits <<= <u64>(entry & 63);
        count -= entry & 63;
        k += (entry >> 8) & 255;
        if (at != 0) store<i16>(at + <usize>load<u8>(zigzag + k), <i16>(entry >> 16));
        if (++k >= 64) break;
        entry = lookUp(ac, bits);
        if ((entry & kindMask) == 0) {
          bits <<= <u64>(entry & 63);
          count -= entry & 63;
          k += (entry >> 8) & 255;
          if (at != 0) store<i16>(at + <usize>load<u8>(zigzag + k), <i16>(entry >> 16));
          k++;
          continue;
        }
      }
    }
    if ((entry & kindMask) == long) {
      entry = longEntry(ac, <i32>(bits >> 48), true);
      if (entry == 0) return broken;
    }
    const length = entry & 63;
    bits <<= <u64>length;
    count -= length;
    const run = (entry >> 8) & 255;
    k += run;
    if ((entry & kindMask) == special) {
      if (run == 0) break;
      continue;
    }
    const size = (entry >> 16) & 15;
    const value = extend(<i32>(bits >> <u64>(64 - size)), size);
    bits <<= <u64>size;
    count -= size;
    if (at != 0) store<i16>(at + <usize>load<u8>(zigzag + k), <i16>value);
    k++;
    others = 1;
  }
  if (k > 64) return broken;
  keepBits(bits, count, from);
  return (difference << 2) | others;
}

function readWanted(dc: usize, ac: usize, at: usize): i32 {
  return readBlock(dc, ac, at);
}

function skip(dc: usize, ac: usize): i32 {
  return readBlock(dc, ac, 0);
}

/** What of a component is wanted: blocks [left, right) × [top, bottom), and where their pixels go. */
// prettier-ignore
// @ts-ignore: decorator
@inline
function leftOf(record: usize): i32 { return load<i32>(record + 8); }
// prettier-ignore
// @ts-ignore: decorator
@inline
function topOf(record: usize): i32 { return load<i32>(record + 12); }
// prettier-ignore
// @ts-ignore: decorator
@inline
function rightOf(record: usize): i32 { return load<i32>(record + 16); }
// prettier-ignore
// @ts-ignore: decorator
@inline
function bottomOf(record: usize): i32 { return load<i32>(record + 20); }

/** Says what of a component is wanted; `plane` has (right − left)·8 bytes a row, `stride` from row to row. */
export function want(component: i32, left: i32, top: i32, right: i32, bottom: i32, plane: usize, stride: i32): void {
  const record = recordOf(component);
  store<i32>(record + 8, left);
  store<i32>(record + 12, top);
  store<i32>(record + 16, right);
  store<i32>(record + 20, bottom);
  store<usize>(record + 24, plane);
  store<i32>(record + 28, stride);
}

/**
 * Decodes the scan between two addresses: `columns` MCUs in a row, of `across`×`down` blocks of the first component and one
 * of each other. It ends after `rows` rows of MCUs, the last that has anything wanted.
 */
export function decodeScan(
  start: usize,
  end: usize,
  components: i32,
  columns: i32,
  rows: i32,
  isLast: bool,
  across: i32,
  down: i32,
  restartInterval: i32,
): i32 {
  if (!openBits(start, end)) return Status.memory;
  memory.fill(coefficientsPointer(), 0, 128);
  let marker = nextSegment();
  if (marker == 0) return Status.short;
  // All of it was looked through for this: a file that is cut off, or goes on otherwise, is noticed even if only its top
  // is wanted.
  if (restartInterval == 0 && marker != 0xd9) return Status.damaged;
  let restarts: i32 = 0;
  let left = restartInterval;
  for (let c: i32 = 0; c < components; c++) store<i32>(recordOf(c) + 32, 0);
  for (let row: i32 = 0; row < rows; row++) {
    for (let column: i32 = 0; column < columns; column++) {
      if (restartInterval > 0) {
        if (left == 0) {
          if (marker != 0xd0 + (restarts & 7)) return marker == 0xd9 ? Status.short : Status.damaged;
          restarts++;
          marker = nextSegment();
          if (marker == 0) return Status.short;
          left = restartInterval;
          for (let c: i32 = 0; c < components; c++) store<i32>(recordOf(c) + 32, 0);
        }
        left--;
      }
      for (let c: i32 = 0; c < components; c++) {
        const a = c == 0 ? across : 1;
        const d = c == 0 ? down : 1;
        for (let j: i32 = 0; j < d; j++) {
          for (let i: i32 = 0; i < a; i++) {
            if (!block(c, column * a + i, row * d + j)) return Status.damaged;
          }
        }
      }
      if (overrun()) return Status.short;
    }
  }
  // Bytes that are left over, or a wrong marker, are a damaged file's.
  return isLast && marker != 0xd9 ? Status.damaged : Status.done;
}

/** One block of a component; false where it is broken, or too large for the pixels to be certain. */
function block(component: i32, x: i32, y: i32): bool {
  const record = recordOf(component);
  const dc = dcTable(record);
  const ac = acTable(record);
  const wanted = x >= leftOf(record) && x < rightOf(record) && y >= topOf(record) && y < bottomOf(record);
  const at = coefficientsPointer();
  const read = wanted ? readWanted(dc, ac, at) : skip(dc, ac);
  if (read == broken) return false;
  const level = load<i32>(record + 32) + (read >> 2);
  store<i32>(record + 32, level);
  // 16 bits of it go on; pictures need 12.
  if (level != <i32>(<i16>level)) return false;
  if (!wanted) return true;
  const stride = <usize>load<i32>(record + 28);
  const to = load<usize>(record + 24) + <usize>(y - topOf(record)) * 8 * stride + <usize>(x - leftOf(record)) * 8;
  const quantization = quantizationPointer(component);
  if ((read & 1) == 0) return inverseOfConstant(level, load<u16>(quantization), to, stride);
  store<i16>(at, <i16>level);
  if (!inverseTransform(at, quantization, to, stride)) return false;
  for (let i: usize = 0; i < 128; i += 16) v128.store(at + i, i8x16.splat(0));
  return true;
}
