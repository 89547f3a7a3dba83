import { formatShape, sizeOf } from '../stored.js';
import {
  describe,
  Global,
  type GlobalOptions,
  type PickleValue,
  Storage,
  TensorView,
  Tuple,
  Unused,
} from './values.js';

/** What makes any file that was refused acceptable. */
export const fix = 'save model.state_dict() with torch.save, or as safetensors';

const unused: GlobalOptions = { call: () => new Unused() };

// Nothing of Python runs: a name stands for one of these, or the file is refused.
const allowed: Readonly<Record<string, GlobalOptions>> = {
  'collections.OrderedDict': { call: orderedDict },
  'torch._utils._rebuild_tensor': { call: rebuildTensor },
  'torch._utils._rebuild_tensor_v2': { call: rebuildTensor },
  'torch._utils._rebuild_parameter': { call: ([tensor = null]) => tensor },
  'torch.Size': { call: ([sizes = null]) => sizes },
  'torch.DoubleStorage': { elements: 'float64' },
  'torch.FloatStorage': { elements: 'float32' },
  'torch.HalfStorage': { elements: 'float16' },
  'torch.BFloat16Storage': { elements: 'bfloat16' },
  'torch.LongStorage': { elements: 'int64' },
  'torch.IntStorage': { elements: 'int32' },
  'torch.ShortStorage': { elements: 'int16' },
  'torch.CharStorage': { elements: 'int8' },
  'torch.ByteStorage': { elements: 'uint8' },
  'torch.BoolStorage': { elements: 'bool' },
  // Beside the state dict: the state of an optimiser or a schedule, an accuracy.
  'torch.device': unused,
  'collections.Counter': unused,
  'collections.defaultdict': unused,
  'builtins.set': unused,
  '__builtin__.set': unused,
  'numpy.dtype': unused,
  'numpy.core.multiarray.scalar': unused,
  'numpy._core.multiarray.scalar': unused,
  '_codecs.encode': unused,
};

/**
 * What stands for a Python class or function.
 * @throws Error naming the one that no state dict needs.
 */
export function findGlobal(module: string, name: string): Global {
  const full = `${module}.${name}`;
  const options = Object.hasOwn(allowed, full) ? allowed[full] : undefined;
  if (options === undefined) {
    const why = module.startsWith('torch.nn.')
      ? 'the file is a whole pickled module'
      : 'no state dict needs it (a whole pickled module, perhaps)';
    throw new Error(`the pickle asks for ${full}, which is never run: ${why}; ${fix}`);
  }
  return new Global(full, options);
}

/** `OrderedDict()`, or with the list of pairs that Python 2 wrote. */
function orderedDict([pairs]: readonly PickleValue[]): PickleValue {
  const dict = new Map<PickleValue, PickleValue>();
  if (pairs === undefined) return dict;
  if (!Array.isArray(pairs)) throw new Error(`OrderedDict takes a list of pairs, got ${describe(pairs)}; ${fix}`);
  for (const pair of pairs) {
    const items: readonly PickleValue[] = pair instanceof Tuple ? pair.items : Array.isArray(pair) ? pair : [];
    if (items.length !== 2) throw new Error(`OrderedDict takes pairs, got ${describe(pair)}`);
    const [key, value] = items as [PickleValue, PickleValue];
    dict.set(key, value);
  }
  return dict;
}

function rebuildTensor([storage, offset, size, strides]: readonly PickleValue[]): PickleValue {
  if (!(storage instanceof Storage)) throw new Error(`a tensor is built from ${describe(storage)}, not from a storage`);
  const shape = wholeNumbers(size);
  const steps = wholeNumbers(strides);
  if (shape === undefined || steps?.length !== shape.length || typeof offset !== 'number' || !(offset >= 0)) {
    throw new Error(`a tensor over storage ${storage.key} has no whole offset, sizes and strides; the file is damaged`);
  }
  const last = shape.reduce((sum, n, i) => sum + (n - 1) * (steps[i] as number), offset);
  const count = sizeOf(shape);
  if (Number.isNaN(count) || (count > 0 && last >= storage.length)) {
    const where = `from ${offset} by ${formatShape(steps)}`;
    throw new Error(
      `a tensor ${formatShape(shape)} ${where} lies beyond the ${storage.length} elements of storage ${storage.key}; the file is damaged`,
    );
  }
  return new TensorView(storage, offset, shape, steps);
}

function wholeNumbers(value: PickleValue | undefined): number[] | undefined {
  if (!(value instanceof Tuple)) return undefined;
  const numbers = value.items.filter((n): n is number => typeof n === 'number' && Number.isSafeInteger(n) && n >= 0);
  return numbers.length === value.items.length ? numbers : undefined;
}

/**
 * The storage that a persistent id names: `('storage', class, key, location, length)`.
 * @throws Error for anything else.
 */
export function storageOf(id: PickleValue): Storage {
  const [kind, type, key, , length, view] = id instanceof Tuple ? id.items : [];
  if (kind !== 'storage' || !(type instanceof Global) || typeof key !== 'string' || typeof length !== 'number') {
    throw new Error(`the pickle refers to ${describe(kind)}, not to a storage; ${fix}`);
  }
  if (type.elements === undefined) throw new Error(`storage ${key} is of class ${type.name}, not of numbers; ${fix}`);
  if (view !== undefined && view !== null) {
    throw new Error(`storage ${key} is a view of another one, as PyTorch wrote before 0.4; save it with a newer one`);
  }
  if (!Number.isSafeInteger(length) || length < 0) throw new Error(`storage ${key} has ${length} elements`);
  return new Storage(key, type.elements, length);
}
