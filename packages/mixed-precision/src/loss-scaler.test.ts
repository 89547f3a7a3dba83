import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { lossScaler, type LossScalerOptions, staticLossScaler } from './loss-scaler.js';

interface Golden {
  options: Required<Pick<LossScalerOptions, 'init' | 'growthFactor' | 'backoffFactor' | 'growthInterval'>>;
  steps: { finite: boolean; scale: number; goodSteps: number }[];
}
const path = new URL('fixtures/grad-scaler.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(path, 'utf8')) as { cases: Golden[] };

test.each(cases)('the sequence of torch.amp.GradScaler with $options', ({ options, steps }) => {
  const scaler = lossScaler(options);
  let state = scaler.init();
  for (const { finite, scale, goodSteps } of steps) {
    state = scaler.update(state, finite);
    expect(state).toEqual({ scale, goodSteps });
  }
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
