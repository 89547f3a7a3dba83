import { expect, test, vi } from 'vitest';
import { withProgress } from './progress.js';

/** What is written to a terminal of 80 columns. */
function terminal() {
  const written: string[] = [];
  const write = (text: string) => written.push(text) > 0;
  return { written, stream: { isTTY: true, columns: 80, write } as unknown as NodeJS.WriteStream };
}
const showCursor = '\u001b[?25h';

test('work that fails ends the bar, which would keep the process alive, and gives the cursor back', async () => {
  const { written, stream } = terminal();
  const failed = withProgress((progress) => {
    progress.start(10);
    progress.update(3, 'a third');
    return Promise.reject(new Error('no number'));
  }, stream);
  await expect(failed).rejects.toThrow('no number');
  const before = written.length;
  expect(written.join('')).toContain(showCursor);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(written.length, 'writes after the end').toBe(before);
});

test('the time left goes by what was done since the start, not by what was there before', async () => {
  const written: string[] = [];
  const stream = { write: (text: string) => written.push(text) > 0 } as unknown as NodeJS.WriteStream;
  vi.useFakeTimers();
  try {
    await withProgress((progress) => {
      progress.start(100, 50);
      vi.advanceTimersByTime(20_000);
      // Ten in twenty seconds, and forty are left.
      progress.update(60, 'training');
      return Promise.resolve();
    }, stream);
  } finally {
    vi.useRealTimers();
  }
  expect(written).toEqual(['60 %, 1 min 20 s left  training\n']);
});
