import { fix } from './globals.js';
import { describe, type PickleValue, TensorView } from './values.js';

export interface StateDict {
  tensors: Map<string, TensorView>;
  /** What lay beside it. */
  ignored: string[];
  /** The key of the dict that wraps it. */
  wrapper?: string;
}

// In this order: training scripts keep these beside epoch, accuracy and optimiser.
const wrappers = ['state_dict', 'model_state_dict', 'model'];

/**
 * The state dict in what a file holds: the dict itself, or the value of a training script's `state_dict`,
 * `model_state_dict` or `model`.
 *
 * @throws Error where neither holds tensors.
 */
export function findStateDict(value: PickleValue): StateDict {
  if (!(value instanceof Map)) throw new Error(`the file holds ${describe(value)}, not a dict of tensors; ${fix}`);
  for (const wrapper of wrappers) {
    const inner = value.get(wrapper);
    if (!(inner instanceof Map)) continue;
    const { tensors, ignored } = split(inner);
    if (tensors.size > 0) {
      const beside = [...value.keys()].filter((key) => key !== wrapper).map(nameOf);
      return { tensors, ignored: [...beside, ...ignored.map((name) => `${wrapper}.${name}`)], wrapper };
    }
  }
  const { tensors, ignored } = split(value);
  if (tensors.size === 0) {
    const keys = ignored.length === 0 ? 'nothing' : listed(ignored);
    throw new Error(`the file holds a dict without tensors (${keys}); ${fix}`);
  }
  return { tensors, ignored };
}

function split(dict: ReadonlyMap<PickleValue, PickleValue>): Pick<StateDict, 'tensors' | 'ignored'> {
  const tensors = new Map<string, TensorView>();
  const ignored: string[] = [];
  for (const [key, value] of dict) {
    if (typeof key === 'string' && value instanceof TensorView) tensors.set(key, value);
    else ignored.push(nameOf(key));
  }
  return { tensors, ignored };
}

const nameOf = (key: PickleValue) =>
  typeof key === 'string' || typeof key === 'number' ? String(key).slice(0, 80) : describe(key);

/** At most eight names, and how many more there are. */
export function listed(names: readonly string[]): string {
  const more = names.length > 8 ? ` and ${names.length - 8} more` : '';
  return `${names.slice(0, 8).join(', ')}${more}`;
}
