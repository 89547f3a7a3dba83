import { expect, test } from 'vitest';
import { plot } from './plot.js';

test('a ramp of sixteen eighths over two lines, by hand', () => {
  const ramp = Array.from({ length: 16 }, (_, i) => i / 15);
  expect(plot(ramp, { rows: 2 })).toBe('        1 │        ▁▂▃▄▅▆▇█\n        0 │▁▂▃▄▅▆▇█████████');
});

test('what is not finite leaves a gap, a constant is a line, a long curve is sampled', () => {
  expect(plot([1, NaN, 1], { rows: 1 })).toBe('        1 │▁ ▁');
  expect(plot([], {})).toBe('');
  expect(
    plot(
      Array.from({ length: 1000 }, (_, i) => i),
      { columns: 10, rows: 1 },
    ).split('│')[1],
  ).toHaveLength(10);
});
