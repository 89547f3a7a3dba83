const blocks = ' ▁▂▃▄▅▆▇█';

/** A curve as bars of text, `rows` lines high, with the largest and the smallest value beside it. */
export function plot(values: readonly number[], { columns = 60, rows = 6 } = {}): string {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return '';
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const width = Math.min(columns, values.length);
  const bars = Array.from({ length: width }, (_, i) => {
    const value = values[width === 1 ? 0 : Math.round((i * (values.length - 1)) / (width - 1))] as number;
    // In eighths of a line; the smallest value still shows.
    return Number.isFinite(value) ? 1 + Math.round(((value - low) / (high - low || 1)) * (rows * 8 - 1)) : 0;
  });
  const label = (row: number) => (row === rows - 1 ? short(high) : row === 0 ? short(low) : '').padStart(9);
  const lines = Array.from({ length: rows }, (_, i) => {
    const row = rows - 1 - i;
    const cells = bars.map((eighths) => blocks[Math.max(0, Math.min(8, eighths - row * 8))] as string);
    return `${label(row)} │${cells.join('').trimEnd()}`;
  });
  return lines.join('\n');
}

const short = (value: number): string => Number(value.toPrecision(3)).toString();
