/** What the markers before the pixels of a JPEG file say. */
export interface JpegHeader {
  height: number;
  width: number;
  /** 1 is grey, 3 colour, 4 CMYK. */
  channels: number;
  /** 1 to 8 as EXIF numbers them; 1 is upright. */
  orientation: number;
  /** Present where it is a JPEG that `Pixels` decodes: one baseline scan of 8 bits, grey or YCbCr. */
  scan?: JpegScan;
}

export interface JpegScan {
  components: JpegComponent[];
  /** Of each slot: 64 divisors in natural order. */
  quantization: readonly (Uint16Array | undefined)[];
  dc: readonly (HuffmanCode | undefined)[];
  ac: readonly (HuffmanCode | undefined)[];
  /** MCUs between restart markers, or 0. */
  restartInterval: number;
  /** Where the entropy-coded bytes begin. */
  start: number;
}

export interface JpegComponent {
  id: number;
  /** Sampling factors. */
  across: number;
  down: number;
  /** Slots of its tables. */
  quantization: number;
  dc: number;
  ac: number;
}

export interface HuffmanCode {
  /** Codes of each length from 1 to 16. */
  counts: Uint8Array;
  symbols: Uint8Array;
}

// prettier-ignore
const naturalOrder = [
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/** What the first scan's header needs from the markers before it. */
interface Frame {
  height: number;
  width: number;
  isBaseline: boolean;
  components: JpegComponent[];
}

/**
 * Reads the markers of a JPEG file up to its first scan; undefined where it is none, or a broken one.
 * Source: ITU-T T.81, annex B; JEITA CP-3451 (EXIF) for the orientation.
 */
export function jpegHeader(bytes: Uint8Array): JpegHeader | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const quantization: (Uint16Array | undefined)[] = [];
  const dc: (HuffmanCode | undefined)[] = [];
  const ac: (HuffmanCode | undefined)[] = [];
  let frame: Frame | undefined;
  let orientation = 1;
  let restartInterval = 0;
  let isJfif = false;
  let adobeTransform: number | undefined;
  try {
    for (let at = 2; at < bytes.length;) {
      if (bytes[at] !== 0xff) return undefined;
      const marker = view.getUint8(at + 1);
      // Fill bytes, and markers without a length.
      if (marker === 0xff || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
        at += marker === 0xff ? 1 : 2;
        continue;
      }
      const from = at + 4;
      const end = at + 2 + view.getUint16(at + 2);
      const segment = bytes.subarray(from, end);
      if (segment.length !== end - from) return undefined;
      if (marker === 0xdb) quantizationTables(view, from, end, quantization);
      else if (marker === 0xc4) huffmanCodes(segment, [dc, ac]);
      else if (marker === 0xdd) restartInterval = view.getUint16(from);
      else if (marker === 0xe0) isJfif ||= startsWith(segment, 'JFIF\0');
      else if (marker === 0xe1 && startsWith(segment, 'Exif\0\0')) orientation = exifOrientation(segment.subarray(6));
      else if (marker === 0xee && startsWith(segment, 'Adobe') && segment.length >= 12) adobeTransform = segment[11];
      else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc8 && marker !== 0xcc)
        frame = frameOf(view, from, marker);
      else if (marker === 0xd9) return undefined;
      else if (marker === 0xda) {
        if (frame === undefined) return undefined;
        const { height, width } = frame;
        const header = { height, width, channels: frame.components.length, orientation };
        const components = scanComponents(segment, frame);
        const supported = components !== undefined && isYcc(components, isJfif, adobeTransform);
        if (!supported || height === 0 || width === 0) return header;
        return { ...header, scan: { components, quantization, dc, ac, restartInterval, start: end } };
      }
      at = end;
    }
  } catch (error) {
    // Reading beyond the end of the view.
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return bytes.length >= text.length && Array.from(text).every((c, i) => bytes[i] === c.charCodeAt(0));
}

function quantizationTables(view: DataView, from: number, end: number, tables: (Uint16Array | undefined)[]): void {
  for (let at = from; at < end;) {
    const head = view.getUint8(at++);
    const wide = head >> 4 !== 0;
    const table = new Uint16Array(64);
    for (const place of naturalOrder) {
      table[place] = wide ? view.getUint16(at) : view.getUint8(at);
      at += wide ? 2 : 1;
    }
    tables[head & 15] = table;
  }
}

function huffmanCodes(segment: Uint8Array, codes: (HuffmanCode | undefined)[][]): void {
  for (let at = 0; at < segment.length;) {
    const head = segment[at] as number;
    const counts = segment.subarray(at + 1, at + 17);
    const total = counts.reduce((a, b) => a + b, 0);
    const slots = codes[head >> 4];
    if (slots !== undefined) slots[head & 15] = { counts, symbols: segment.subarray(at + 17, at + 17 + total) };
    at += 17 + total;
  }
}

function frameOf(view: DataView, from: number, marker: number): Frame {
  const precision = view.getUint8(from);
  const count = view.getUint8(from + 5);
  const components = Array.from({ length: count }, (_, i) => {
    const at = from + 6 + 3 * i;
    const sampling = view.getUint8(at + 1);
    const quantization = view.getUint8(at + 2);
    return { id: view.getUint8(at), across: sampling >> 4, down: sampling & 15, quantization, dc: 0, ac: 0 };
  });
  return {
    height: view.getUint16(from + 1),
    width: view.getUint16(from + 3),
    // Extended sequential is the same with 8 bits and Huffman codes.
    isBaseline: (marker === 0xc0 || marker === 0xc1) && precision === 8,
    components,
  };
}

/** The components with the tables of the scan, where all are in it, in order, in a shape that is supported. */
function scanComponents(segment: Uint8Array, { isBaseline, components }: Frame): JpegComponent[] | undefined {
  const count = segment[0] as number;
  if (!isBaseline || count !== components.length || (count !== 1 && count !== 3)) return undefined;
  const found = components.map((component, i) => {
    const tables = segment[2 + 2 * i] as number;
    return { ...component, dc: tables >> 4, ac: tables & 15, inScan: segment[1 + 2 * i] === component.id };
  });
  if (!found.every(({ inScan, dc, ac }) => inScan && dc < 4 && ac < 4)) return undefined;
  const [first, ...others] = found;
  if (first === undefined) return undefined;
  // The sampling of a single component means nothing.
  if (others.length === 0) return [{ ...first, across: 1, down: 1 }];
  const shape = `${first.across}×${first.down}`;
  const isKnown = ['1×1', '2×1', '2×2'].includes(shape) && others.every(({ across, down }) => across * down === 1);
  return isKnown ? found : undefined;
}

/** libjpeg's rules of what three components are; RGB and others are left to it. */
function isYcc(components: JpegComponent[], isJfif: boolean, adobeTransform: number | undefined): boolean {
  if (components.length === 1 || isJfif) return true;
  if (adobeTransform !== undefined) return adobeTransform === 1;
  return components.map(({ id }) => String.fromCharCode(id)).join('') !== 'RGB';
}

/** The tag 0x0112 of the first directory of EXIF data; 1 where there is none. */
function exifOrientation(tiff: Uint8Array): number {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length);
  try {
    const isLittle = view.getUint16(0) === 0x4949;
    const directory = view.getUint32(4, isLittle);
    const entries = view.getUint16(directory, isLittle);
    for (let i = 0; i < entries; i++) {
      const at = directory + 2 + 12 * i;
      if (view.getUint16(at, isLittle) !== 0x0112) continue;
      const value = view.getUint16(at + 8, isLittle);
      return value >= 1 && value <= 8 ? value : 1;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return 1;
}
