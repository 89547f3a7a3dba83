/** Everything of one image is laid out one after the other, and all of it goes with the next image. */
let top: usize = __heap_base;

export function reset(): void {
  top = __heap_base;
}

/** `bytes` bytes at a multiple of 16, not cleared, with 64 that may be read before and after them; 0 where memory is at its end. */
export function allocate(bytes: usize): usize {
  const start = (top + 64 + 15) & ~15;
  const end = start + bytes + 64;
  const have = (<usize>memory.size()) << 16;
  if (end > have) {
    const pages = <i32>((end - have + 0xffff) >> 16);
    if (memory.grow(pages) < 0) return 0;
  }
  top = end;
  return start;
}
