/**
 * A table of 2^lookupBits entries tells what the next bits are. An entry is value·2¹⁶ + run·2⁸ + kind·2⁶ + length:
 * - `whole`: the code and its extra bits lie in the lookup; `length` bits give `value` after `run` zeros.
 * - `extra`: the code has `length` bits, and `value` extra ones follow.
 * - `special`: end of block (run 0) or sixteen zeros (run 16).
 * - `long`: the code is longer than the lookup.
 */
export const lookupBits: i32 = 10;
export const kindMask: i32 = 0xc0;
export const extra: i32 = 0x40;
export const special: i32 = 0x80;
export const long: i32 = 0xc0;

/**
 * A second table tells how far several AC symbols at once go, for blocks whose values nobody wants:
 * end·2¹⁴ + positions·2⁷ + bits, of as many as lie whole in the lookup; 0 where not one does.
 */
export const endOfBlock: i32 = 1 << 14;
const entries: usize = 1 << lookupBits;
/** A slot's lookup, then for each length from 1 to 16 the code after its last one and the symbol index of code 0, then the symbols. */
const limitsOffset: usize = entries * 4;
const basesOffset: usize = limitsOffset + 17 * 4;
const symbolsOffset: usize = basesOffset + 17 * 4;
const strideOffset: usize = symbolsOffset + 256 + 8;
const slotBytes: usize = strideOffset + entries * 2;
/** Four for DC, four for AC. */
const slots = memory.data(8 * <i32>slotBytes, 16);

// @ts-ignore: decorator
@inline
export function tableOf(slot: i32): usize {
  return slots + <usize>slot * slotBytes;
}

/**
 * Builds the table of a slot from the numbers of codes of each length (16 bytes) and the symbols in their order.
 * Returns 0 where they are no code, by libjpeg's rules: the code of ones alone stays free, and DC symbols are sizes.
 */
export function buildHuffman(slot: i32, counts: usize, symbols: usize, isAc: bool): bool {
  const table = tableOf(slot);
  for (let i: usize = 0; i < entries; i++) store<i32>(table + i * 4, long);
  let code: i32 = 0;
  let index: i32 = 0;
  for (let length: i32 = 1; length <= 16; length++) {
    const count = <i32>load<u8>(counts + length - 1);
    store<i32>(table + basesOffset + length * 4, index - code);
    if (code + count >= 1 << length) return false;
    for (let i: i32 = 0; i < count; i++, code++, index++) {
      if (index >= 256) return false;
      const symbol = <i32>load<u8>(symbols + index);
      if (!isAc && symbol > 15) return false;
      store<u8>(table + symbolsOffset + index, <u8>symbol);
      if (length <= lookupBits) fill(table, code, length, symbol, isAc);
    }
    store<i32>(table + limitsOffset + length * 4, code);
    code <<= 1;
  }
  if (isAc) for (let i: usize = 0; i < entries; i++) store<u16>(table + strideOffset + i * 2, <u16>strideOf(table, <i32>i));
  return true;
}

/** The strides of a slot's symbols. */
// @ts-ignore: decorator
@inline
export function stridesOf(table: usize): usize {
  return table + strideOffset;
}

function strideOf(table: usize, bits: i32): i32 {
  let used: i32 = 0;
  let positions: i32 = 0;
  while (used < lookupBits) {
    // What lies beyond the lookup is not known: a symbol must not need it.
    const entry = load<i32>(table + <usize>((bits << used) & (<i32>entries - 1)) * 4);
    const length = entry & 63;
    const kind = entry & kindMask;
    if (kind == extra || kind == long || used + length > lookupBits) break;
    const run = (entry >> 8) & 255;
    if (positions + run + 1 > 63) break;
    used += length;
    if (kind == special && run == 0) return endOfBlock | (positions << 7) | used;
    positions += kind == special ? run : run + 1;
  }
  return (positions << 7) | used;
}

/** All entries that begin with a code. */
function fill(table: usize, code: i32, length: i32, symbol: i32, isAc: bool): void {
  const run = symbol >> 4;
  const size = symbol & 15;
  const rest = lookupBits - length;
  for (let tail: i32 = 0; tail < 1 << rest; tail++) {
    let entry: i32;
    if (isAc && size == 0) {
      entry = ((run == 15 ? 16 : 0) << 8) | special | length;
    } else if (size <= rest) {
      const value = extend(tail >> (rest - size), size);
      entry = (value << 16) | (run << 8) | (length + size);
    } else {
      entry = (size << 16) | (run << 8) | extra | length;
    }
    store<i32>(table + (<usize>((code << rest) | tail)) * 4, entry);
  }
}

/** The signed number that `size` bits stand for. */
// @ts-ignore: decorator
@inline
export function extend(bits: i32, size: i32): i32 {
  return size > 0 && bits < 1 << (size - 1) ? bits - (1 << size) + 1 : bits;
}

/** Looks a long code up: its entry (`extra` or `special`), or 0 where there is no such code. `next` is the next 16 bits. */
export function longEntry(table: usize, next: i32, isAc: bool): i32 {
  for (let length: i32 = lookupBits + 1; length <= 16; length++) {
    const code = next >> (16 - length);
    if (code < load<i32>(table + limitsOffset + length * 4)) {
      const symbol = <i32>load<u8>(table + symbolsOffset + ((load<i32>(table + basesOffset + length * 4) + code) & 255));
      const run = symbol >> 4;
      const size = symbol & 15;
      if (isAc && size == 0) return ((run == 15 ? 16 : 0) << 8) | special | length;
      return (size << 16) | (run << 8) | extra | length;
    }
  }
  return 0;
}
