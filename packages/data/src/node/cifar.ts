import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset } from '../dataset.js';
import { requireSplit, type Split } from '../split.js';
import { classList, numbered } from './class-list.js';
import { toSquare } from './square.js';

const side = 32;
const pixels = side * side;

interface Format {
  name: 'CIFAR-10' | 'CIFAR-100';
  files: Record<Split, RegExp>;
  /** Bytes before the pixels; the last of them is the label (CIFAR-100 has the coarse one before). */
  labelBytes: number;
  classes: number;
  namesFile: string;
}

const formats: readonly Format[] = [
  {
    name: 'CIFAR-10',
    files: { train: /^data_batch_\d+\.bin$/, validation: /^test_batch\.bin$/ },
    labelBytes: 1,
    classes: 10,
    namesFile: 'batches.meta.txt',
  },
  {
    name: 'CIFAR-100',
    files: { train: /^train\.bin$/, validation: /^test\.bin$/ },
    labelBytes: 2,
    classes: 100,
    namesFile: 'fine_label_names.txt',
  },
];

export async function hasCifarSplit(path: string, split: Split): Promise<boolean> {
  const present = await readdir(path).catch(() => []);
  return formats.some(({ files }) => present.some((file) => files[split].test(file)));
}

/**
 * Refuses the version of CIFAR for Python: its files are pickles, which are programs.
 * @throws Error with what to use instead.
 */
export async function refuseCifarPickles(path: string): Promise<void> {
  const present = await readdir(path).catch((): string[] => []);
  const isTen = present.includes('data_batch_1') && present.includes('test_batch');
  const isHundred = present.includes('meta') && present.includes('train') && present.includes('test');
  if (!isTen && !isHundred) return;
  const name = isTen ? 'CIFAR-10' : 'CIFAR-100';
  throw new Error(
    `${path} holds ${name} for Python, as pickles, which are not read; ` +
      `use its binary version: npx bag data get ${name.toLowerCase().replace('-', '')}`,
  );
}

/**
 * The binary version of CIFAR-10 or CIFAR-100, wholly in memory; resized when asked for where `squareSize` is not 32. A
 * record is one label byte (two for CIFAR-100: coarse, fine), then 1,024 bytes each of red, green and blue.
 *
 * @throws Error naming a missing or damaged file.
 * Source: the data sets' home page (Krizhevsky 2009).
 * @example
 * const training = await cifarBinary('cifar-10-batches-bin', { split: 'train' });
 */
export async function cifarBinary(
  path: string,
  { split, squareSize }: { split: Split; squareSize?: number | undefined },
): Promise<Dataset> {
  requireSplit('cifarBinary', split);
  const present = await readdir(path);
  const format = formats.find(({ files }) => present.some((file) => files.train.test(file)));
  const files = present.filter((file) => format?.files[split].test(file)).sort();
  if (format === undefined || files.length === 0) {
    throw new Error(
      `${path} has no ${split} files of CIFAR-10 (data_batch_1.bin, …) or CIFAR-100 (train.bin, test.bin)`,
    );
  }
  const { labelBytes } = format;
  const record = labelBytes + 3 * pixels;
  const contents = await Promise.all(files.map((file) => readFile(join(path, file))));
  for (const [i, { length }] of contents.entries()) {
    if (length === 0 || length % record !== 0) {
      throw new Error(
        `${join(path, files[i] as string)}: ${length} bytes are no multiple of ${record}; the file is damaged`,
      );
    }
  }
  const records = new Uint8Array(Buffer.concat(contents));
  const size = records.length / record;
  const labels = Int32Array.from({ length: size }, (_, i) => records[i * record + labelBytes - 1] as number);
  const wrong = labels.findIndex((label) => label >= format.classes);
  if (wrong >= 0) throw new Error(`${path}: image ${wrong} has label ${labels[wrong] ?? ''}; the file is damaged`);
  return {
    name: `${format.name} ${split}`,
    classes: await classNames(path, format),
    size,
    labels,
    nameOf: (index) => `${format.name} ${split} image ${index}`,
    get: (index) => {
      const planes = records.subarray(index * record + labelBytes, (index + 1) * record);
      const data = new Uint8Array(3 * pixels);
      for (let i = 0; i < pixels; i++) {
        for (let c = 0; c < 3; c++) data[i * 3 + c] = planes[c * pixels + i] as number;
      }
      const image = { data, height: side, width: side };
      return squareSize === undefined ? image : toSquare(image, squareSize);
    },
  };
}

async function classNames(path: string, { namesFile, classes }: Format): Promise<string[]> {
  const names = await classList(path, namesFile);
  return names?.length === classes ? names : numbered(classes);
}
