import type { Box, RawImage } from '../../image.js';
import type { ColorChange } from '../../transforms/color.js';
import type { Normalization } from '../../transforms/normalization.js';
import type { Plan } from '../../transforms/plan.js';
import { fixedPointOne, type Taps, taps } from '../../transforms/resize.js';
import type { HuffmanCode, JpegHeader, JpegScan } from './jpeg-header.js';
import { program } from './pixels.generated.js';

/** The functions of `assembly/`; addresses and sizes are in bytes. */
interface Program {
  memory: WebAssembly.Memory;
  reset(): void;
  allocate(bytes: number): number;
  quantizationPointer(component: number): number;
  componentTables(component: number, dc: number, ac: number): void;
  buildHuffman(slot: number, counts: number, symbols: number, isAc: boolean): number;
  want(
    component: number,
    left: number,
    top: number,
    right: number,
    bottom: number,
    plane: number,
    stride: number,
  ): void;
  decodeScan(
    start: number,
    end: number,
    components: number,
    columns: number,
    rows: number,
    isLast: boolean,
    across: number,
    down: number,
    restartInterval: number,
  ): number;
  colorRows(
    y: number,
    cb: number,
    cr: number,
    yStride: number,
    cStride: number,
    across: boolean,
    down: boolean,
    chromaWidth: number,
    chromaHeight: number,
    left: number,
    top: number,
    right: number,
    bottom: number,
    to: number,
    toStride: number,
  ): number;
  grayRows(
    y: number,
    stride: number,
    left: number,
    top: number,
    right: number,
    bottom: number,
    to: number,
    toStride: number,
  ): void;
  expandRgb(from: number, pixels: number, to: number): void;
  packRgb(from: number, pixels: number, to: number): void;
  resize(
    from: number,
    stride: number,
    width: number,
    rowTaps: number,
    height: number,
    mostRows: number,
    columnTaps: number,
    outWidth: number,
    mostColumns: number,
    mirror: boolean,
    planes: number,
    planeBytes: number,
  ): number;
  resizeRounded(
    from: number,
    stride: number,
    rows: number,
    rowTaps: number,
    height: number,
    mostRows: number,
    columnTaps: number,
    outWidth: number,
    mostColumns: number,
    planes: number,
    planeBytes: number,
  ): number;
  changeAndSum(planes: number, bytes: number, changes: number, count: number): number;
  changeAndInterleave(planes: number, bytes: number, changes: number, count: number, affine: number, to: number): void;
}

/** A part of an image in the program's memory: four bytes a pixel. */
interface Region extends Box {
  address: number;
  stride: number;
}

/** So that all of an image fits into the memory that 31 bits address. */
const mostPixels = 2 ** 26;

/** Why something was not done here: other code may do it, or know what is wrong. */
export class Undecodable extends Error {
  override readonly name = 'Undecodable';
}

/**
 * Decoding and transforming of one image at a time, in WebAssembly. Pixels of JPEG files equal libjpeg's; transforms
 * equal those of `src/transforms` to 1e-3.
 */
export class Pixels {
  readonly #program: Program;
  /** Of which codes there are tables. */
  readonly #codes: (HuffmanCode | undefined)[] = [];

  constructor() {
    const binary = Uint8Array.from(atob(program), (c) => c.charCodeAt(0));
    this.#program = new WebAssembly.Instance(new WebAssembly.Module(binary)).exports as unknown as Program;
  }

  /** How much memory it has taken. */
  get bytes(): number {
    return this.#program.memory.buffer.byteLength;
  }

  /**
   * Decodes a whole JPEG file.
   * @throws Undecodable where it is damaged.
   */
  decode(bytes: Uint8Array, header: JpegHeader & { scan: JpegScan }): RawImage {
    this.#program.reset();
    const { height, width } = header;
    const { address, stride } = this.#region(bytes, header, { top: 0, left: 0, height, width });
    const packed = this.#allocate(height * width * 3);
    for (let y = 0; y < height; y++) {
      // Up to twelve bytes more are written than the row has: the next row overwrites them.
      this.#program.packRgb(address + y * stride, width, packed + y * width * 3);
    }
    return {
      data: new Uint8Array(this.#program.memory.buffer.slice(packed, packed + height * width * 3)),
      height,
      width,
    };
  }

  /**
   * Decodes what a plan needs of a JPEG file, and carries the plan out.
   * @throws Undecodable where it is damaged.
   */
  transformJpeg(
    bytes: Uint8Array,
    header: JpegHeader & { scan: JpegScan },
    plan: Plan,
    normalization: Normalization,
    into: Float32Array,
  ): void {
    this.#program.reset();
    const axes = axesOf(plan);
    this.#transform(this.#region(bytes, header, neededBy(axes)), axes, plan, normalization, into);
  }

  /** Carries a plan out on a decoded image. */
  transform(image: RawImage, plan: Plan, normalization: Normalization, into: Float32Array): void {
    this.#program.reset();
    if (image.height * image.width > mostPixels) throw new Undecodable('too large');
    const axes = axesOf(plan);
    const box = neededBy(axes);
    const from = this.#copy(image.data.subarray(box.top * image.width * 3, (box.top + box.height) * image.width * 3));
    const stride = (image.width + 4) * 4;
    const address = this.#allocate(stride * box.height);
    for (let y = 0; y < box.height; y++) {
      this.#program.expandRgb(from + y * image.width * 3, image.width, address + y * stride);
    }
    const region = { ...box, left: 0, width: image.width, address, stride };
    this.#transform(region, axes, plan, normalization, into);
  }

  #transform(
    region: Region,
    { rows, columns }: Axes,
    { mirror, rounded, colors, shift }: Plan,
    normalization: Normalization,
    into: Float32Array,
  ): void {
    const program = this.#program;
    const [height, width] = [rows.starts.length, columns.starts.length];
    if (width < 4) throw new Undecodable('fewer than four columns');
    const rowTaps = this.#rowTaps(rows, region.top, rounded);
    const columnTaps = this.#columnTaps(columns, region.left, rounded);
    const planeBytes = (height * width * 4 + 15) & ~15;
    const planes = this.#allocate(3 * planeBytes);
    // What fills a plane up to a multiple of four pixels must be 0.
    for (let c = 1; c <= 3; c++) this.#floats(planes + c * planeBytes - 16, 4).fill(0);
    const { address, stride } = region;
    const taken = [rowTaps, height, rows.most, columnTaps, width, columns.most] as const;
    const done = rounded
      ? program.resizeRounded(address, stride, region.height, ...taken, planes, planeBytes)
      : program.resize(address, stride, region.width, ...taken, mirror, planes, planeBytes);
    if (done === 0) throw new Undecodable('the image is too large');
    const { mean, deviation } = normalization;
    const affine = this.#copy(
      new Float32Array([...shift.map((v, c) => v - (mean[c] as number)), ...deviation.map((v) => 1 / v)]),
    );
    const changes = this.#changes(planes, planeBytes, height * width, colors);
    const out = this.#allocate(3 * planeBytes);
    program.changeAndInterleave(planes, planeBytes, changes.address, changes.count, affine, out);
    into.set(this.#floats(out, height * width * 3));
  }

  /** What is still to be done of the colours: all, or what comes from the contrast on, which needs the mean of what is before. */
  #changes(planes: number, bytes: number, pixels: number, colors: readonly ColorChange[]) {
    const at = colors.findIndex(({ kind }) => kind === 'contrast');
    if (at < 0) return this.#records(colors, 0);
    const before = this.#records(colors.slice(0, at), 0);
    const sum = this.#program.changeAndSum(planes, bytes, before.address, before.count);
    return this.#records(colors.slice(at), sum / pixels);
  }

  #records(colors: readonly ColorChange[], meanLuma: number): { address: number; count: number } {
    const records = new Float32Array(4 * colors.length);
    const kinds = new Int32Array(records.buffer);
    for (const [i, change] of colors.entries()) {
      if (change.kind === 'hsv') {
        kinds[4 * i] = 2;
        records.set(change.factors, 4 * i + 1);
        continue;
      }
      const { kind, factor } = change;
      kinds[4 * i] = kind === 'saturation' ? 1 : 0;
      const rest = { brightness: 0, contrast: (1 - factor) * meanLuma, saturation: 1 - factor };
      records.set([factor, rest[kind]], 4 * i + 1);
    }
    return { address: this.#copy(records), count: colors.length };
  }

  /** Decodes the part of a JPEG file that covers a box. */
  #region(bytes: Uint8Array, header: JpegHeader & { scan: JpegScan }, box: Box): Region {
    const program = this.#program;
    if (header.height * header.width > mostPixels) throw new Undecodable('too large');
    const { components, quantization, dc, ac, restartInterval, start } = header.scan;
    const [{ across, down }] = components as [JpegScan['components'][0]];
    const [columns, rows] = [Math.ceil(header.width / (8 * across)), Math.ceil(header.height / (8 * down))];
    const chroma = { width: Math.ceil(header.width / across), height: Math.ceil(header.height / down) };
    // Narrower chroma is brought back without the filter, in libjpeg.
    if (across === 2 && chroma.width <= 2) throw new Undecodable('too narrow');
    for (const [slot, code] of dc.entries()) this.#huffman(slot, code, false);
    for (const [slot, code] of ac.entries()) this.#huffman(4 + slot, code, true);
    const planes = components.map((component, c) => {
      const table = quantization[component.quantization];
      if (table === undefined || !dc[component.dc] || !ac[component.ac]) throw new Undecodable('a table is missing');
      new Uint16Array(program.memory.buffer, program.quantizationPointer(c), 64).set(table);
      program.componentTables(c, component.dc, component.ac);
      const blocks = c === 0 ? blocksOf(box) : blocksOf(around(box, across, down, chroma));
      const stride = (blocks.right - blocks.left) * 8;
      const plane = this.#allocate(stride * (blocks.bottom - blocks.top) * 8);
      program.want(c, blocks.left, blocks.top, blocks.right, blocks.bottom, plane, stride);
      // Where sample (0, 0) would lie.
      return { origin: plane - blocks.top * 8 * stride - blocks.left * 8, stride };
    });
    // Between restart markers a file that is cut off is noticed only there.
    const isWhole = restartInterval === 0 || (bytes.at(-2) === 0xff && bytes.at(-1) === 0xd9);
    const lastRow = isWhole ? Math.min(rows, Math.ceil(bottomOf(box, across, down, chroma) / (8 * down))) : rows;
    const scan = this.#copy(bytes.subarray(start));
    const status = program.decodeScan(
      scan,
      scan + bytes.length - start,
      components.length,
      columns,
      lastRow,
      lastRow === rows,
      across,
      down,
      restartInterval,
    );
    if (status !== 0) throw new Undecodable(['', 'cut off', 'damaged', 'too large'][status]);
    const stride = (box.width + 16) * 4;
    const address = this.#allocate(stride * box.height);
    const [bottom, right] = [box.top + box.height, box.left + box.width];
    const [y, cb, cr] = planes as [Plane, Plane?, Plane?];
    if (cb === undefined || cr === undefined) {
      program.grayRows(y.origin, y.stride, box.left, box.top, right, bottom, address, stride);
    } else {
      const done = program.colorRows(
        y.origin,
        cb.origin,
        cr.origin,
        y.stride,
        cb.stride,
        across === 2,
        down === 2,
        chroma.width,
        chroma.height,
        box.left,
        box.top,
        right,
        bottom,
        address,
        stride,
      );
      if (done === 0) throw new Undecodable('too large');
    }
    return { ...box, address, stride };
  }

  /** Builds a slot's table, unless it is the last image's. */
  #huffman(slot: number, code: HuffmanCode | undefined, isAc: boolean): void {
    if (code === undefined) return;
    const built = this.#codes[slot];
    if (built !== undefined && isSame(built.counts, code.counts) && isSame(built.symbols, code.symbols)) return;
    this.#codes[slot] = undefined;
    const done = this.#program.buildHuffman(slot, this.#copy(code.counts), this.#copy(code.symbols), isAc);
    if (done === 0) throw new Undecodable('a Huffman code is damaged');
    this.#codes[slot] = { counts: code.counts.slice(), symbols: code.symbols.slice() };
  }

  #rowTaps({ starts, counts, weights }: Taps, origin: number, rounded: boolean): number {
    const n = starts.length;
    const address = this.#allocate((2 * n + weights.length) * 4);
    const { buffer } = this.#program.memory;
    new Int32Array(buffer, address, n).set(starts.map((start) => start - origin));
    new Int32Array(buffer, address + 4 * n, n).set(counts);
    this.#writeWeights(address + 8 * n, weights, rounded);
    return address;
  }

  #columnTaps({ starts, weights }: Taps, origin: number, rounded: boolean): number {
    const n = starts.length;
    const address = this.#allocate((n + weights.length) * 4);
    const { buffer } = this.#program.memory;
    new Int32Array(buffer, address, n).set(starts.map((start) => start - origin));
    this.#writeWeights(address + 4 * n, weights, rounded);
    return address;
  }

  /** As floats, or in whole units of fixed point. */
  #writeWeights(address: number, weights: Float64Array, rounded: boolean): void {
    const { buffer } = this.#program.memory;
    if (rounded) new Int32Array(buffer, address, weights.length).set(weights.map((w) => w * fixedPointOne));
    else new Float32Array(buffer, address, weights.length).set(weights);
  }

  #floats(address: number, length: number): Float32Array {
    return new Float32Array(this.#program.memory.buffer, address, length);
  }

  #copy(array: Uint8Array | Float32Array): number {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    const address = this.#allocate(bytes.length);
    new Uint8Array(this.#program.memory.buffer, address, bytes.length).set(bytes);
    return address;
  }

  #allocate(bytes: number): number {
    const address = this.#program.allocate(bytes);
    if (address === 0) throw new Undecodable('too large');
    return address;
  }
}

const isSame = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((v, i) => v === b[i]);

interface Plane {
  origin: number;
  stride: number;
}

interface Axes {
  rows: Taps;
  columns: Taps;
}

function axesOf({ box, image, resized, window, interpolation, rounded }: Plan): Axes {
  const how = { interpolation, rounded };
  return {
    rows: taps(box.top, box.height, image.height, resized.height, { ...how, first: window.top, count: window.height }),
    columns: taps(box.left, box.width, image.width, resized.width, { ...how, first: window.left, count: window.width }),
  };
}

/** The pixels that any output is made of. */
function neededBy({ rows, columns }: Axes): Box {
  const [top, bottom] = rangeOf(rows);
  const [left, right] = rangeOf(columns);
  return { top, left, height: bottom - top, width: right - left };
}

function rangeOf({ starts, counts }: Taps): [number, number] {
  let [first, end] = [Infinity, 0];
  for (let i = 0; i < starts.length; i++) {
    first = Math.min(first, starts[i] as number);
    end = Math.max(end, (starts[i] as number) + (counts[i] as number));
  }
  return [first, end];
}

function blocksOf({ top, left, height, width }: Box) {
  return { top: top >> 3, left: left >> 3, bottom: (top + height + 7) >> 3, right: (left + width + 7) >> 3 };
}

/** The chroma samples of a box, with the neighbours that the filter needs. */
function around(
  { top, left, height, width }: Box,
  across: number,
  down: number,
  size: { height: number; width: number },
) {
  const spread = (first: number, count: number, factor: number, limit: number): [number, number] => {
    if (factor === 1) return [first, count];
    const start = Math.max(0, (first >> 1) - 1);
    return [start, Math.min(limit, ((first + count - 1) >> 1) + 2) - start];
  };
  const [y, rows] = spread(top, height, down, size.height);
  const [x, columns] = spread(left, width, across, size.width);
  return { top: y, left: x, height: rows, width: columns };
}

/** The pixel row after the last one of which anything is needed. */
function bottomOf(box: Box, across: number, down: number, size: { height: number; width: number }): number {
  const chroma = around(box, across, down, size);
  return Math.max(box.top + box.height, (chroma.top + chroma.height) * down);
}
