import { allocate } from './memory';

/**
 * The bits of a scan. A segment of it (all of it, or what lies between two restart markers) is copied without the zeros
 * that are stuffed after each 0xff, and backwards: then eight bytes loaded at once have the earlier bits on top.
 */
export let buffer: u64 = 0;
/** How many bits of `buffer` count, from its top. */
export let available: i32 = 0;
/** Where the next eight bytes lie; it goes down. */
export let next: usize = 0;

/** Zeros after a segment: more than an MCU can read before someone looks. */
const padding: usize = 8192;
const ff = i8x16.splat(-1);

let input: usize = 0;
let inputEnd: usize = 0;
let area: usize = 0;
let areaEnd: usize = 0;
let segmentEnd: usize = 0;

export function keepBits(b: u64, a: i32, n: usize): void {
  buffer = b;
  available = a;
  next = n;
}

/** Takes the entropy-coded bytes of a scan; false where there is no memory for them. */
export function openBits(start: usize, end: usize): bool {
  input = start;
  inputEnd = end;
  const bytes = end - start + padding;
  area = allocate(bytes);
  areaEnd = area + bytes;
  return area != 0;
}

/**
 * Goes to the next segment and returns the marker that ends it, or 0 where the bytes end without one.
 */
export function nextSegment(): i32 {
  let from = input;
  let to = areaEnd;
  let marker: i32 = 0;
  while (from < inputEnd) {
    while (from + 16 <= inputEnd) {
      const bytes = v128.load(from);
      if (v128.any_true(i8x16.eq(bytes, ff))) break;
      to -= 16;
      v128.store(to, i8x16.shuffle(bytes, bytes, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
      from += 16;
    }
    const stop = min(from + 16, inputEnd);
    while (from < stop) {
      const byte = load<u8>(from++);
      if (byte == 0xff) {
        if (from >= inputEnd) break;
        const after = load<u8>(from++);
        if (after != 0) {
          marker = after;
          break;
        }
      }
      store<u8>(--to, byte);
    }
    if (marker != 0) break;
  }
  input = from;
  segmentEnd = to;
  memory.fill(to - padding, 0, padding);
  buffer = 0;
  available = 0;
  next = areaEnd - 8;
  return marker;
}

/** Whether more bits were taken than the segment has. */
export function overrun(): bool {
  // `next` + 8 is where the first byte lies that is not in `buffer`.
  return next + 8 + <usize>(available >> 3) < segmentEnd;
}
