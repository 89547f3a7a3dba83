import { styleText } from 'node:util';

export interface Curve {
  name: string;
  /** Shares in [0, 1], one after each epoch. */
  values: readonly number[];
}

export interface AccuracyPlotOptions {
  columns?: number;
  rows?: number;
  /** Where it will be written: marks are coloured if that is a terminal. */
  stream?: NodeJS.WriteStream;
}

const marks = [
  { mark: '○', color: 'blue' },
  { mark: '●', color: 'yellow' },
] as const;
const both = '◉';

/** Accuracies that an axis may name. */
const ticks = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999];
/** Errors below this share are drawn at it: the axis has no place for none. */
const leastError = 1e-3;

/** Equal steps up the axis are equal factors of the error: from 90 to 95 % is as far as from 80 to 90 %. */
const heightOf = (accuracy: number) => -Math.log(Math.max(leastError, 1 - accuracy));

/**
 * One or two curves of accuracy over the epochs as text. The axis is stretched towards 100 %, so that what good networks
 * differ in can be seen.
 */
export function accuracyPlot(
  curves: readonly Curve[],
  { columns = 60, rows = 14, stream = process.stdout }: AccuracyPlotOptions = {},
): string {
  const epochs = Math.max(...curves.map(({ values }) => values.length));
  const width = Math.min(columns, epochs);
  const heights = curves.flatMap(({ values }) => values.map(heightOf)).filter(Number.isFinite);
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  const placeOf = (accuracy: number) => ((heightOf(accuracy) - low) / (high - low || 1)) * (rows - 1);
  const drawn = curves.map(({ name, values }, i) => {
    const { mark, color } = marks[i % marks.length] as (typeof marks)[number];
    return { name, values, mark: styleText(color, mark, { stream }) };
  });
  const cells = Array.from({ length: rows }, () => new Array<string>(width).fill(' '));
  for (const { values, mark } of drawn) {
    for (let x = 0; x < width; x++) {
      const value = values[width === 1 ? 0 : Math.round((x * (epochs - 1)) / (width - 1))];
      if (value === undefined || !Number.isFinite(value)) continue;
      const row = cells[Math.round(placeOf(value))] as string[];
      row[x] = row[x] === ' ' ? mark : both;
    }
  }
  const labels = labelled(rows, placeOf);
  const end = `epoch ${epochs}`;
  const margin = ' '.repeat(8);
  return [
    ...cells.map((row, i) => `${(labels[i] ?? '').padStart(7)} │${row.join('').trimEnd()}`).reverse(),
    `${margin}└${'─'.repeat(width)}`,
    `${margin} epoch 1${end.padStart(Math.max(end.length + 1, width - 7))}`,
    `${margin} ${drawn.map(({ name, mark }) => `${mark} ${name}`).join('   ')}`,
  ].join('\n');
}

/** The ticks by the row that they stand at; of those that share one, the nearest to its middle. */
function labelled(rows: number, placeOf: (accuracy: number) => number): string[] {
  const nearest = new Map<number, number>();
  const distance = (tick: number) => Math.abs(placeOf(tick) - Math.round(placeOf(tick)));
  for (const tick of ticks) {
    const row = Math.round(placeOf(tick));
    const before = nearest.get(row);
    if (before === undefined || distance(tick) < distance(before)) nearest.set(row, tick);
  }
  return Array.from({ length: rows }, (_, row) => {
    const tick = nearest.get(row);
    return tick === undefined ? '' : `${Number((tick * 100).toFixed(1))} %`;
  });
}
