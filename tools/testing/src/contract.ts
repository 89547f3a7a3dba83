import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { start, type TestBackend } from '#engines';
import { describeOnBackends } from './backends.js';
import { expectAllClose, type Tolerance } from './close.js';

/** What is asked of one export. Values may be tensors, numbers, typed arrays, or objects and lists of them. */
export interface ContractRow<Inputs> {
  /**
   * The export on ordinary input, with the gradients that it has: finite, dtype kept, the same twice, its inputs
   * untouched, nothing left alive, and the same on every engine.
   */
  on: (inputs: Inputs) => unknown;
  /** The export turned off, and what it must then give exactly. */
  off?: (inputs: Inputs) => readonly [actual: unknown, expected: unknown] | Promise<readonly [unknown, unknown]>;
  /** How far an engine's numbers may be from those of TensorFlow.js' plain cpu backend. */
  tolerance?: Tolerance;
}

export interface Contract<Inputs> {
  /** The package's module. */
  exports: object;
  /** Made anew for every test, disposed after it. */
  inputs: () => Inputs;
  /** A row for every export that is a function or a class. */
  table: Record<string, ContractRow<Inputs>>;
  backends?: readonly TestBackend[];
}

/** Tests the contract of every export of a package on each backend. */
export function testContract<Inputs>({ exports, inputs, table, backends }: Contract<Inputs>): void {
  test('the contract has a row for every export', () => {
    const callable = Object.entries(exports).filter(([, value]) => typeof value === 'function');
    expect(Object.keys(table).sort()).toEqual(callable.map(([name]) => name).sort());
  });

  describeOnBackends(
    'contract',
    (backend) => {
      describe.each(Object.entries(table))('%s', (_name, { on, off, tolerance = asFloats }) => {
        test('finite, dtype kept, the same twice, inputs untouched, nothing left alive', async () => {
          const before = tf.memory().numTensors;
          const given = inputs();
          const original = await snapshot(given);
          const first = await run(() => on(given));
          const second = await run(() => on(given));
          expect(second).toEqual(first);
          expect(await snapshot(given)).toEqual(original);
          for (const value of numbersOf(first)) expect(value).toSatisfy(Number.isFinite);
          tf.dispose(given as tf.TensorContainer);
          expect(tf.memory().numTensors - before, 'tensors left alive').toBe(0);
        });
        if (backend !== 'cpu') {
          test('the same as on the cpu backend', async () => {
            const actual = await resultOn(backend, inputs, on);
            const expected = await resultOn('cpu', inputs, on).finally(() => start(backend));
            expectSame(actual, expected, tolerance);
          });
        }
        if (off === undefined) return;
        test('off is the identity', async () => {
          const given = inputs();
          const [actual, expected] = await off(given);
          expect(await snapshot(actual)).toEqual(await snapshot(expected));
          tf.dispose([given, actual, expected] as tf.TensorContainer);
        });
      });
    },
    backends,
  );
}

/** Sums of some hundred float32 terms, in any order. */
const asFloats: Tolerance = { relative: 1e-4, absolute: 1e-5 };

async function resultOn<Inputs>(backend: TestBackend, inputs: () => Inputs, on: (given: Inputs) => unknown) {
  await start(backend);
  const given = inputs();
  try {
    return await run(() => on(given));
  } finally {
    tf.dispose(given as tf.TensorContainer);
  }
}

/** Numbers within the tolerance, all else equal. */
function expectSame(actual: unknown, expected: unknown, tolerance: Tolerance, path = 'result'): void {
  if (typeof expected === 'number') {
    expectAllClose([actual as number], [expected], tolerance, path);
  } else if (expected !== null && typeof expected === 'object') {
    expect(Object.keys(actual as object), path).toEqual(Object.keys(expected));
    for (const [key, value] of Object.entries(expected)) {
      expectSame((actual as Record<string, unknown>)[key], value, tolerance, `${path}.${key}`);
    }
  } else {
    expect(actual, path).toEqual(expected);
  }
}

/** What a call gives, with its tensors as `{ dtype, shape, values }`; no tensor but those given may stay alive. */
async function run(call: () => unknown): Promise<unknown> {
  const before = tf.memory().numTensors;
  const result = await call();
  const taken = await snapshot(result);
  tf.dispose(result as tf.TensorContainer);
  expect(tf.memory().numTensors - before, 'tensors besides those that were returned').toBe(0);
  return taken;
}

async function snapshot(value: unknown): Promise<unknown> {
  if (value instanceof tf.Tensor) {
    expect(value.dtype).toMatch(/^(float32|int32)$/);
    return {
      dtype: value.dtype,
      shape: value.shape as number[],
      values: Array.from((await value.data()) as Float32Array),
    };
  }
  if (value === null || typeof value !== 'object') return typeof value === 'function' ? 'function' : value;
  if (ArrayBuffer.isView(value)) return { type: value.constructor.name, values: Array.from(value as Float32Array) };
  if (Array.isArray(value)) return Promise.all((value as unknown[]).map(snapshot));
  const entries = Object.entries(value as Record<string, unknown>).map(
    async ([key, one]) => [key, await snapshot(one)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

function numbersOf(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(numbersOf) : [];
}
