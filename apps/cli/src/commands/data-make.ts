import { syntheticDataset } from '@bag/data';
import { contactSheet, writeImageFolder } from '@bag/data/node';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors.js';
import { createFolder } from '../paths.js';
import { type Progress, withProgress } from '../progress.js';

export interface DataMakeFlags {
  classes: number;
  train: number;
  validation: number;
  size: number;
  seed: number;
  labelNoise: number;
}

/** Writes the embedded data set as a folder of images, with a picture of it. */
export async function dataMakeCommand(folder: string, flags: DataMakeFlags): Promise<void> {
  if ((await readdir(folder).catch(() => [])).length > 0) {
    throw new UsageError(`${folder} is not empty; name a new folder`);
  }
  await withProgress((progress) => make(folder, flags, progress));
}

async function make(folder: string, flags: DataMakeFlags, progress: Progress): Promise<void> {
  const { classes, train, validation, size, seed, labelNoise } = flags;
  let done = 0;
  progress.start(train + validation);
  for (const split of ['train', 'validation'] as const) {
    const count = split === 'train' ? train : validation;
    let dataset;
    try {
      dataset = syntheticDataset({ classes, size: count, imageSize: size, seed, split, labelNoise });
    } catch (error) {
      throw new UsageError((error as Error).message);
    }
    await createFolder(folder);
    await writeImageFolder(dataset, join(folder, split === 'train' ? 'train' : 'val'), {
      onProgress: () => progress.update(++done, `writing ${split} images`),
    });
    if (split === 'train') await writeFile(join(folder, 'contact-sheet.png'), await contactSheet(dataset));
  }
  progress.stop();
  progress.line(
    `wrote ${train} training and ${validation} validation images; look at ${join(folder, 'contact-sheet.png')}`,
  );
  progress.line(`train on them:  npx bag train --data ${folder}`);
}
