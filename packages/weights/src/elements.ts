/** The element types that weight files have. All are read as float32. */
export type ElementType =
  | 'float64'
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint64'
  | 'uint32'
  | 'uint16'
  | 'uint8'
  | 'bool';

export const bytesPerElement: Readonly<Record<ElementType, number>> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint64: 8,
  uint32: 4,
  uint16: 2,
  uint8: 1,
  bool: 1,
};

const hostIsLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/**
 * The elements that `bytes` hold, rounded to float32. Float32 in the machine's byte order is not copied where it lies
 * aligned: the result is a view then.
 */
export function decodeElements(bytes: Uint8Array, type: ElementType, littleEndian = true): Float32Array {
  if (type === 'float32' && littleEndian === hostIsLittleEndian) {
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : copyOf(bytes);
    return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
  }
  const values = new Float32Array(bytes.byteLength / bytesPerElement[type]);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  fill(values, view, type, littleEndian);
  return values;
}

// A Buffer's own `slice` would not copy.
function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.byteLength);
  copy.set(bytes);
  return copy;
}

// One loop per type, so that each reads by a call that the compiler knows.
function fill(values: Float32Array, view: DataView, type: ElementType, little: boolean): void {
  const n = values.length;
  switch (type) {
    case 'float64':
      for (let i = 0; i < n; i++) values[i] = view.getFloat64(8 * i, little);
      return;
    case 'float32':
      for (let i = 0; i < n; i++) values[i] = view.getFloat32(4 * i, little);
      return;
    case 'float16': {
      const table = halfTable();
      for (let i = 0; i < n; i++) values[i] = table[view.getUint16(2 * i, little)] as number;
      return;
    }
    case 'bfloat16': {
      const bits = new Uint32Array(values.buffer);
      for (let i = 0; i < n; i++) bits[i] = view.getUint16(2 * i, little) << 16;
      return;
    }
    case 'int64':
    case 'uint64': {
      const [low, high] = little ? [0, 4] : [4, 0];
      const signed = type === 'int64';
      for (let i = 0; i < n; i++) {
        const upper = signed ? view.getInt32(8 * i + high, little) : view.getUint32(8 * i + high, little);
        values[i] = upper * 2 ** 32 + view.getUint32(8 * i + low, little);
      }
      return;
    }
    case 'int32':
      for (let i = 0; i < n; i++) values[i] = view.getInt32(4 * i, little);
      return;
    case 'uint32':
      for (let i = 0; i < n; i++) values[i] = view.getUint32(4 * i, little);
      return;
    case 'int16':
      for (let i = 0; i < n; i++) values[i] = view.getInt16(2 * i, little);
      return;
    case 'uint16':
      for (let i = 0; i < n; i++) values[i] = view.getUint16(2 * i, little);
      return;
    case 'int8':
      for (let i = 0; i < n; i++) values[i] = view.getInt8(i);
      return;
    case 'uint8':
    case 'bool':
      for (let i = 0; i < n; i++) values[i] = view.getUint8(i);
  }
}

let halves: Float32Array | undefined;

/** The value of each of the 65,536 half-precision numbers. */
function halfTable(): Float32Array {
  if (halves !== undefined) return halves;
  halves = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 0) halves[bits] = sign * fraction * 2 ** -24;
    else if (exponent === 31) halves[bits] = fraction === 0 ? sign * Infinity : Number.NaN;
    else halves[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return halves;
}
