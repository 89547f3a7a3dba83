import type { ByteReader } from '../reader.js';
import { findGlobal, fix, storageOf } from './globals.js';
import { nameOfOpcode, op } from './opcodes.js';
import { describe, Global, type PickleValue, type Storage, Tuple, Unused } from './values.js';

// One tensor takes about forty; the bound keeps a hostile file's lists small.
const mostOperations = 2_000_000;

export interface Pickled {
  value: PickleValue;
  /** All that it refers to, by key. */
  storages: ReadonlyMap<string, Storage>;
}

/**
 * One pickle, from the reader's offset to its STOP, without running anything: opcodes and globals that a state dict does
 * not need are refused.
 *
 * Source: the opcodes' descriptions in Python's `pickletools`.
 * @throws Error naming the opcode or the global.
 */
export function unpickle(reader: ByteReader): Pickled {
  const machine = new Machine(reader);
  for (let i = 0; i < mostOperations; i++) {
    const opcode = reader.uint8('the pickle');
    if (opcode === op.stop) return { value: machine.pop(), storages: machine.storages };
    machine.run(opcode);
  }
  throw new Error(`the pickle has more than ${mostOperations} operations; ${fix}`);
}

class Machine {
  #stack: PickleValue[] = [];
  readonly #marked: PickleValue[][] = []; // the stacks below each mark
  readonly #memo = new Map<number, PickleValue>();

  readonly storages = new Map<string, Storage>();

  constructor(readonly reader: ByteReader) {}

  pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined) throw damaged('takes from an empty stack');
    return value;
  }

  #top(): PickleValue {
    const value = this.#stack.at(-1);
    if (value === undefined) throw damaged('reads from an empty stack');
    return value;
  }

  /** What was pushed since the last mark. */
  #popMark(): PickleValue[] {
    const items = this.#stack;
    const below = this.#marked.pop();
    if (below === undefined) throw damaged('goes back to a mark that is not there');
    this.#stack = below;
    return items;
  }

  run(opcode: number): void {
    if (
      !this.#runStack(opcode) &&
      !this.#runConstant(opcode) &&
      !this.#runContainer(opcode) &&
      !this.#runObject(opcode)
    ) {
      throw new Error(`the pickle has the opcode ${nameOfOpcode(opcode)}, which no state dict needs; ${fix}`);
    }
  }

  #runStack(opcode: number): boolean {
    const { reader } = this;
    switch (opcode) {
      case op.proto: {
        const version = reader.uint8('PROTO');
        if (version > 5) throw new Error(`the pickle has protocol ${version}; 5 and below are read`);
        return true;
      }
      case op.frame:
        reader.take(8, 'FRAME');
        return true;
      case op.mark:
        this.#marked.push(this.#stack);
        this.#stack = [];
        return true;
      case op.pop:
        this.pop();
        return true;
      case op.popMark:
        this.#popMark();
        return true;
      case op.memoize:
        this.#memo.set(this.#memo.size, this.#top());
        return true;
      case op.binPut:
        this.#memo.set(reader.uint8('BINPUT'), this.#top());
        return true;
      case op.longBinPut:
        this.#memo.set(reader.uint32('LONG_BINPUT'), this.#top());
        return true;
      case op.binGet:
        return this.#get(reader.uint8('BINGET'));
      case op.longBinGet:
        return this.#get(reader.uint32('LONG_BINGET'));
      default:
        return false;
    }
  }

  #get(index: number): true {
    const value = this.#memo.get(index);
    if (value === undefined) throw damaged(`recalls ${index}, which it has not remembered`);
    return this.#push(value);
  }

  #push(value: PickleValue): true {
    this.#stack.push(value);
    return true;
  }

  #runConstant(opcode: number): boolean {
    const { reader } = this;
    const text = (length: number) => new TextDecoder().decode(reader.take(length, 'a string'));
    switch (opcode) {
      case op.none:
        return this.#push(null);
      case op.newTrue:
        return this.#push(true);
      case op.newFalse:
        return this.#push(false);
      case op.binInt:
        return this.#push(reader.int32('BININT'));
      case op.binInt1:
        return this.#push(reader.uint8('BININT1'));
      case op.binInt2:
        return this.#push(reader.uint16('BININT2'));
      case op.long1:
        return this.#push(long(reader.take(reader.uint8('LONG1'), 'LONG1')));
      case op.binFloat:
        return this.#push(reader.float64('BINFLOAT'));
      case op.shortBinUnicode:
        return this.#push(text(reader.uint8('SHORT_BINUNICODE')));
      case op.binUnicode:
        return this.#push(text(reader.uint32('BINUNICODE')));
      // Python 2's strings.
      case op.shortBinString:
        return this.#push(text(reader.uint8('SHORT_BINSTRING')));
      case op.binString:
        return this.#push(text(reader.uint32('BINSTRING')));
      case op.shortBinBytes:
        return this.#push(reader.take(reader.uint8('SHORT_BINBYTES'), 'bytes'));
      case op.binBytes:
        return this.#push(reader.take(reader.uint32('BINBYTES'), 'bytes'));
      default:
        return false;
    }
  }

  #runContainer(opcode: number): boolean {
    switch (opcode) {
      case op.emptyTuple:
        return this.#push(new Tuple([]));
      case op.tuple1:
      case op.tuple2:
      case op.tuple3: {
        const items = Array.from({ length: opcode - op.tuple1 + 1 }, () => this.pop());
        return this.#push(new Tuple(items.reverse()));
      }
      case op.tuple: {
        const items = this.#popMark();
        return this.#push(new Tuple(items));
      }
      case op.emptyList:
        return this.#push([]);
      case op.append: {
        const item = this.pop();
        return this.#extend([item]);
      }
      case op.appends:
        return this.#extend(this.#popMark());
      case op.emptyDict:
        return this.#push(new Map());
      case op.setItem: {
        const value = this.pop();
        return this.#update([this.pop(), value]);
      }
      case op.setItems:
        return this.#update(this.#popMark());
      // No tensor lies in a set.
      case op.emptySet:
        return this.#push(new Unused());
      case op.addItems:
        this.#popMark();
        if (!(this.#top() instanceof Unused)) throw damaged(`adds to ${describe(this.#top())} as to a set`);
        return true;
      default:
        return false;
    }
  }

  #extend(items: readonly PickleValue[]): true {
    const list = this.#top();
    if (!Array.isArray(list)) throw damaged(`appends to ${describe(list)}`);
    for (const item of items) list.push(item);
    return true;
  }

  #update(items: readonly PickleValue[]): true {
    const dict = this.#top();
    if (dict instanceof Unused) return true;
    if (!(dict instanceof Map) || items.length % 2 !== 0) throw damaged(`sets items of ${describe(dict)}`);
    for (let i = 0; i < items.length; i += 2) dict.set(items[i] as PickleValue, items[i + 1] as PickleValue);
    return true;
  }

  #runObject(opcode: number): boolean {
    switch (opcode) {
      case op.global: {
        const module = this.#line();
        return this.#push(findGlobal(module, this.#line()));
      }
      case op.stackGlobal: {
        const [name, module] = [this.pop(), this.pop()];
        if (typeof module !== 'string' || typeof name !== 'string') throw damaged('names a global by no string');
        return this.#push(findGlobal(module, name));
      }
      case op.reduce: {
        const [args, callable] = [this.pop(), this.pop()];
        if (!(callable instanceof Global) || callable.call === undefined || !(args instanceof Tuple)) {
          throw damaged(`calls ${describe(callable)}`);
        }
        return this.#push(callable.call(args.items));
      }
      case op.build: {
        // Attributes, such as the versions that a state dict keeps of its modules.
        this.pop();
        const target = this.#top();
        if (!(target instanceof Map || target instanceof Unused))
          throw damaged(`sets attributes of ${describe(target)}`);
        return true;
      }
      case op.binPersId:
        return this.#push(this.#share(storageOf(this.pop())));
      default:
        return false;
    }
  }

  #share(storage: Storage): Storage {
    const { key, type, length } = storage;
    const known = this.storages.get(key) ?? storage;
    if (known.type !== type || known.length !== length) throw damaged(`describes storage ${key} in two ways`);
    this.storages.set(key, known);
    return known;
  }

  #line(): string {
    const { reader } = this;
    const length = reader.bytes.subarray(reader.offset, reader.offset + 1024).indexOf(0x0a);
    if (length < 0) throw damaged('names a global by no line');
    return new TextDecoder().decode(reader.take(length + 1, 'GLOBAL').subarray(0, length));
  }
}

const damaged = (what: string) => new Error(`the pickle ${what}; it is damaged`);

/** Two's complement, little endian; a number where it is exact. */
function long(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  value = BigInt.asIntN(8 * bytes.length, value);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
