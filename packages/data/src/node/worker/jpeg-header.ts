/** What the markers before the pixels of a JPEG file say. */
export interface JpegHeader {
  height: number;
  width: number;
  /** 1 is grey, 3 colour, 4 CMYK. */
  channels: number;
  /** 1 to 8 as EXIF numbers them; 1 is upright. */
  orientation: number;
  /** Present where it is a JPEG that `Pixels` decodes: one baseline scan of 8 bits, grey or YCbCr, exact in every length. */
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
  /** Whether it is baseline, and what it says is allowed. */
  isBaseline: boolean;
  components: JpegComponent[];
}

/** libjpeg's limit; the format has 65,535. */
const longestEdge = 65_500;

/**
 * Reads the markers of a JPEG file up to its first scan; undefined where it is none, or a broken one. Anything that is
 * not exactly as it should be leaves `scan` out: what becomes of such a file is for libjpeg to say.
 * Source: ITU-T T.81, annex B; JEITA CP-3451 (EXIF) for the orientation.
 */
export function jpegHeader(bytes: Uint8Array): JpegHeader | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const quantization: (Uint16Array | undefined)[] = [];
  const dc: (HuffmanCode | undefined)[] = [];
  const ac: (HuffmanCode | undefined)[] = [];
  let frame: Frame | undefined;
  let orientation: number | undefined;
  let restartInterval = 0;
  let isJfif = false;
  let adobeTransform: number | undefined;
  let isExact = true;
  try {
    for (let at = 2; at < bytes.length;) {
      if (bytes[at] !== 0xff) return undefined;
      const marker = view.getUint8(at + 1);
      // Fill bytes, and markers without a length.
      if (marker === 0xff || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
        isExact &&= marker === 0xff;
        at += marker === 0xff ? 1 : 2;
        continue;
      }
      const from = at + 4;
      const end = at + 2 + view.getUint16(at + 2);
      const segment = bytes.subarray(from, end);
      if (segment.length !== end - from) return undefined;
      if (marker === 0xdb) isExact &&= quantizationTables(segment, quantization);
      else if (marker === 0xc4) isExact &&= huffmanCodes(segment, [dc, ac]);
      else if (marker === 0xdd) {
        restartInterval = view.getUint16(from);
        isExact &&= segment.length === 2;
      } else if (marker === 0xe0) isJfif ||= startsWith(segment, 'JFIF\0') && segment.length >= 14;
      else if (marker === 0xe1 && startsWith(segment, 'Exif')) {
        isExact &&= orientation === undefined && startsWith(segment, 'Exif\0\0');
        orientation = exifOrientation(segment.subarray(6));
        isExact &&= orientation !== undefined;
      } else if (marker === 0xee && startsWith(segment, 'Adobe') && segment.length >= 12) adobeTransform = segment[11];
      else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc8 && marker !== 0xcc) {
        isExact &&= frame === undefined;
        frame = frameOf(segment, marker);
      } else if (marker === 0xd9) return undefined;
      else if (marker === 0xda) {
        if (frame === undefined) return undefined;
        const { height, width } = frame;
        const header = { height, width, channels: frame.components.length, orientation: orientation ?? 1 };
        const components = scanComponents(segment, frame);
        if (!isExact || components === undefined || !isYcc(components, isJfif, adobeTransform)) return header;
        return { ...header, scan: { components, quantization, dc, ac, restartInterval, start: end } };
      } else isExact &&= isSkipped(marker);
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

/** Comments, and what applications write for themselves. */
const isSkipped = (marker: number) => (marker >= 0xe0 && marker <= 0xef) || marker === 0xfe;

/** Reads tables of 8-bit divisors; false where the segment is not made of these. */
function quantizationTables(segment: Uint8Array, tables: (Uint16Array | undefined)[]): boolean {
  for (let at = 0; at < segment.length; at += 65) {
    const slot = segment[at] as number;
    const divisors = segment.subarray(at + 1, at + 65);
    if (slot > 3 || divisors.length < 64) return false;
    const table = new Uint16Array(64);
    for (const [i, place] of naturalOrder.entries()) table[place] = divisors[i] as number;
    tables[slot] = table;
  }
  return true;
}

/** Reads codes; false where the segment is not made of these. Whether they are codes is seen when they are built. */
function huffmanCodes(segment: Uint8Array, codes: (HuffmanCode | undefined)[][]): boolean {
  for (let at = 0; at < segment.length;) {
    const head = segment[at] as number;
    const counts = segment.subarray(at + 1, at + 17);
    const total = counts.reduce((a, b) => a + b, 0);
    const slots = codes[head >> 4];
    at += 17 + total;
    if (slots === undefined || (head & 15) > 3 || total > 256 || at > segment.length) return false;
    slots[head & 15] = { counts, symbols: segment.subarray(at - total, at) };
  }
  return true;
}

function frameOf(segment: Uint8Array, marker: number): Frame {
  const view = new DataView(segment.buffer, segment.byteOffset, segment.length);
  const precision = view.getUint8(0);
  const count = view.getUint8(5);
  const components = Array.from({ length: count }, (_, i) => {
    const at = 6 + 3 * i;
    const sampling = view.getUint8(at + 1);
    const quantization = view.getUint8(at + 2);
    return { id: view.getUint8(at), across: sampling >> 4, down: sampling & 15, quantization, dc: 0, ac: 0 };
  });
  const [height, width] = [view.getUint16(1), view.getUint16(3)];
  // Extended sequential is the same with 8 bits and Huffman codes.
  const isKind = (marker === 0xc0 || marker === 0xc1) && precision === 8 && segment.length === 6 + 3 * count;
  const isSize = isWithin(height, longestEdge) && isWithin(width, longestEdge);
  const isApart = new Set(components.map(({ id }) => id)).size === count;
  const isSampled = components.every(({ across, down }) => isWithin(across, 4) && isWithin(down, 4));
  return { height, width, isBaseline: isKind && isSize && isApart && isSampled, components };
}

const isWithin = (value: number, most: number) => value >= 1 && value <= most;

/** The components with the tables of the scan, where all are in it, in order, in a shape that is supported. */
function scanComponents(segment: Uint8Array, { isBaseline, components }: Frame): JpegComponent[] | undefined {
  const count = components.length;
  if (!isBaseline || (count !== 1 && count !== 3)) return undefined;
  // All components, and, as its last three bytes say, all their coefficients.
  if (segment[0] !== count || segment.subarray(1 + 2 * count).join() !== '0,63,0') return undefined;
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

/** The tag 0x0112 of the first directory of EXIF data, 1 where there is none; undefined where the data are damaged. */
function exifOrientation(tiff: Uint8Array): number | undefined {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length);
  try {
    const isLittle = view.getUint16(0) === 0x4949;
    if ((!isLittle && view.getUint16(0) !== 0x4d4d) || view.getUint16(2, isLittle) !== 42) return undefined;
    const directory = view.getUint32(4, isLittle);
    const entries = view.getUint16(directory, isLittle);
    for (let i = 0; i < entries; i++) {
      const at = directory + 2 + 12 * i;
      if (view.getUint16(at, isLittle) !== 0x0112) continue;
      const isOneShort = view.getUint16(at + 2, isLittle) === 3 && view.getUint32(at + 4, isLittle) === 1;
      const value = view.getUint16(at + 8, isLittle);
      if (!isOneShort) return undefined;
      return value >= 1 && value <= 8 ? value : 1;
    }
    return 1;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  }
}
