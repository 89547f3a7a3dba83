import { expect, test } from 'vitest';
import { lossScaler, staticLossScaler } from './loss-scaler.js';

test('the sequence of torch.cuda.amp.GradScaler, as its documentation defines it', () => {
  const scaler = lossScaler({ growthInterval: 3 });
  let state = scaler.init();
  const scales = [true, true, true, true, false, false, true, true, false, true, true, true].map((finite) => {
    state = scaler.update(state, finite);
    return state.scale / 65536;
  });
  // Growth after three good steps in a row; an overflow halves and starts the count anew.
  expect(scales).toEqual([1, 1, 2, 2, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.5]);
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
