import type { ElementType } from '../elements.js';

/** What a pickle of a state dict can hold. Lists are arrays, dicts are maps. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | Tuple
  | Global
  | Storage
  | TensorView
  | Unused;

export class Tuple {
  constructor(readonly items: readonly PickleValue[]) {}
}

/** A class or function that a pickle may name: what stands for it here, never Python's code. */
export interface GlobalOptions {
  /** What a call of it gives. */
  call?: (args: readonly PickleValue[]) => PickleValue;
  /** Of a storage class. */
  elements?: ElementType;
}

export class Global {
  readonly call: GlobalOptions['call'];
  readonly elements: GlobalOptions['elements'];

  constructor(
    readonly name: string,
    { call, elements }: GlobalOptions,
  ) {
    this.call = call;
    this.elements = elements;
  }
}

/** A run of elements in the file, which several tensors may share. */
export class Storage {
  constructor(
    readonly key: string,
    readonly type: ElementType,
    readonly length: number,
  ) {}
}

/** A tensor as torch has it: a strided view of a storage; offset and strides count elements. */
export class TensorView {
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/** Something harmless that no tensor depends on, such as a NumPy scalar beside the state dict. */
export class Unused {
  readonly unused = true;
}

/** What a value is, for messages. */
export function describe(value: PickleValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'None';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Map) return 'a dict';
  if (value instanceof Tuple) return 'a tuple';
  if (value instanceof Global) return value.name;
  if (value instanceof Storage) return 'a storage';
  if (value instanceof TensorView) return 'a tensor';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof Unused) return 'an object';
  return typeof value === 'string' ? 'a string' : `a ${typeof value}`;
}
