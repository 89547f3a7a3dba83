import { expect, test } from 'vitest';
import { parseNote } from './notes.js';

test.each([
  ['label smoothing: ε = 0.1', 'label smoothing', 'ε = 0.1'],
  ['mixup: α = 0.2 per batch; training top-1: by share', 'mixup', 'α = 0.2 per batch; training top-1: by share'],
  [
    'warning: linear scaling changes nothing: the batch is 16',
    'linear scaling changes nothing',
    'warning: the batch is 16',
  ],
  ['warning: precision: bf16 as asked', 'precision', 'warning: bf16 as asked'],
  ['the head is new', 'the head is new', ''],
])('%s', (note, subject, text) => {
  expect(parseNote(note)).toEqual({ subject, text });
});
