import { type BadImageError, type RawImage } from '@bag/data';
import { createRandom } from '@bag/random';
import { decodeImage } from '@bag/data/node';
import * as tf from '@tensorflow/tfjs';
import type { Config } from '../config/schema.js';
import { preprocessingOf } from '../data.js';
import { useEngine } from '../engines/use.js';
import type { EngineChoice } from '../engines/names.js';
import { UsageError } from '../errors.js';
import type { ForeignOptions } from '../foreign-weights.js';
import { loadRun } from '../run.js';
import { percent } from '../table.js';

export interface PredictFlags extends ForeignOptions {
  top?: number;
  backend?: EngineChoice;
  json?: boolean;
}

export async function predictCommand(path: string, images: string[], flags: PredictFlags): Promise<void> {
  const { top = 5, backend, json } = flags;
  await useEngine(backend ?? 'auto');
  const { network, run } = await loadRun(path, flags);
  const { validation, normalization } = preprocessingOf(run.config);
  for (const image of images) {
    const pixels = validation(await read(image, run.config), createRandom({ seed: 0, purpose: 'predict' })).data;
    const values = pixels.map(
      (v, i) => (v - (normalization.mean[i % 3] as number)) / (normalization.deviation[i % 3] as number),
    );
    const probabilities = tf.tidy(() =>
      tf.softmax(network.apply(tf.tensor4d(values, [1, validation.size, validation.size, 3]))),
    );
    const shares = await probabilities.data();
    probabilities.dispose();
    const ranked = run.classes
      .map((name, i) => ({ class: name, probability: shares[i] as number }))
      .sort((a, b) => b.probability - a.probability)
      .slice(0, top);
    if (json === true) console.log(JSON.stringify({ image, predictions: ranked }));
    else {
      console.log(image);
      for (const { class: name, probability } of ranked) console.log(`  ${percent(probability).padStart(8)}  ${name}`);
    }
  }
  network.dispose();
}

async function read(path: string, { orientation }: Config): Promise<RawImage> {
  try {
    return await decodeImage(path, { orientation });
  } catch (error) {
    throw new UsageError(`${(error as BadImageError).message}; give a JPEG, PNG, WebP, GIF, TIFF or AVIF file`);
  }
}
