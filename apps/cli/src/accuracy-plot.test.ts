import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { accuracyPlot } from './accuracy-plot.js';

// No terminal: nothing is coloured.
const stream = new PassThrough() as unknown as NodeJS.WriteStream;

test('equal steps up are equal factors of the error, by hand: 50, 75, 87.5 % on rows 0, 1, 2', () => {
  const curves = [
    { name: 'a', values: [0.5, 0.75, 0.75] },
    { name: 'b', values: [0.5, 0.5, 0.875] },
  ];
  expect(accuracyPlot(curves, { rows: 3, stream })).toBe(
    [
      '   85 % │  ●',
      '   70 % │ ○○',
      '   50 % │◉●',
      '        └───',
      '         epoch 1 epoch 3',
      '         ○ a   ● b',
    ].join('\n'),
  );
});

test('a perfect accuracy has a place, a value that is not finite has none, and a shorter curve ends where it ends', () => {
  const [top = '', ...rest] = accuracyPlot(
    [
      { name: 'a', values: [0.1, NaN, 1] },
      { name: 'b', values: [0.1] },
    ],
    { rows: 2, stream },
  ).split('\n');
  expect(top.split('│')[1]).toBe('  ○');
  expect(rest[0]?.split('│')[1]).toBe('◉');
});

test('many epochs are sampled to the columns, from the first to the last', () => {
  const values = Array.from({ length: 500 }, (_, i) => i / 500);
  const lines = accuracyPlot([{ name: 'a', values }], { columns: 20, rows: 5, stream }).split('\n');
  expect(lines[0]?.endsWith('○')).toBe(true);
  expect(lines[5]).toBe(`        └${'─'.repeat(20)}`);
  expect(lines[6]).toBe('         epoch 1    epoch 500');
});
