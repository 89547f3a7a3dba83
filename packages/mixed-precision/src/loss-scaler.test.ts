import { dispose, tensor1d } from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { allFinite } from './all-finite.js';
import { lossScaler, type LossScalerOptions, staticLossScaler } from './loss-scaler.js';

interface Golden {
  name: string;
  options: LossScalerOptions;
  /** A letter for each step: what its gradients hold. */
  gradients: string;
  /** After each step: [scale, steps in a row]. */
  scales: [number, number][];
  skipped: number[];
  /** At the end. */
  goodSteps: number;
}
const path = new URL('fixtures/grad-scaler.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(path, 'utf8')) as { cases: Golden[] };
const values: Record<string, number> = { '.': -2, '+': Infinity, '-': -Infinity, n: NaN };

test.each(cases)('the scales and skipped steps of torch.amp.GradScaler: $name', async (golden) => {
  // PyTorch's scale has no end; ours must not reach its own here.
  const scaler = lossScaler({ ...golden.options, min: 2 ** -126 });
  let state = scaler.init();
  const scales: number[] = [];
  const skipped: number[] = [];
  for (const [step, letter] of golden.gradients.split('').entries()) {
    const gradients = [tensor1d([1, -1]), tensor1d([0.5, values[letter] as number])];
    const finite = await allFinite(gradients);
    dispose(gradients);
    if (!finite) skipped.push(step);
    state = scaler.update(state, finite);
    scales.push(state.scale);
  }
  expect(scales).toEqual(golden.scales.flatMap(([scale, steps]) => Array<number>(steps).fill(scale)));
  expect([skipped, state.goodSteps]).toEqual([golden.skipped, golden.goodSteps]);
});

test('defaults: 65536, doubled after exactly 2000 good steps; a state is plain data', () => {
  const scaler = lossScaler();
  let state = scaler.init();
  for (let i = 0; i < 1999; i++) state = scaler.update(state, true);
  expect(state).toEqual({ scale: 65536, goodSteps: 1999 });
  expect(scaler.update(JSON.parse(JSON.stringify(state)) as typeof state, true)).toEqual({
    scale: 131072,
    goodSteps: 0,
  });
});

test('it cannot back off for ever, and a static scale cannot at all', () => {
  const scaler = lossScaler({ init: 4, min: 1 });
  let state = scaler.init();
  let skipped = 0;
  while (scaler.canBackOff(state)) {
    state = scaler.update(state, false);
    skipped++;
  }
  expect([skipped, state.scale]).toEqual([2, 1]);
  const fixed = staticLossScaler(128);
  expect(fixed.update(fixed.init(), false).scale).toBe(128);
  expect(fixed.canBackOff(fixed.init())).toBe(false);
});

test.each([{ init: 0 }, { growthFactor: 1 }, { backoffFactor: 1 }, { growthInterval: 0.5 }, { min: -1 }])(
  'refuses %j by name',
  (options) => {
    expect(() => lossScaler(options)).toThrow(
      `expected ${Object.keys(options)[0] === 'growthInterval' ? 'a whole growthInterval' : (Object.keys(options)[0] ?? '')}`,
    );
  },
);

test('refuses a first scale below the smallest', () => {
  expect(() => lossScaler({ init: 1, min: 8 })).toThrow('expected init ≥ min (8), got 1');
});
