import { batches, type BadImages, type Dataset } from '@bag/data';
import { encodePng } from '@bag/data/node';
import type { Evaluation, Mistake } from '@bag/report';
import type { Network } from '@bag/network';
import { evaluate } from '@bag/trainer';
import { writeFileAtomically } from '@bag/trainer/node';
import { join } from 'node:path';
import { evaluationBatchOf, type Preprocessing } from './data.js';

export interface EvaluationOptions {
  network: Network;
  dataset: Dataset;
  preprocessing: Preprocessing;
  seed: number;
  badImages?: BadImages;
  onProgress?: (examples: number) => void;
}

/** How many mistakes are kept as pictures. */
const shown = 24;
const thumbnailSize = 160;

/** What a network makes of every validation image: scores, confusions, and where it is most sure of a wrong class. */
export async function evaluateInDetail({
  network,
  dataset,
  preprocessing,
  seed,
  badImages,
  onProgress,
}: EvaluationOptions): Promise<Evaluation & { mistakes: (Mistake & { index: number })[] }> {
  const counts = new Map<string, { label: number; predicted: number; count: number }>();
  const wrong: (Mistake & { index: number })[] = [];
  const { validation: transform, normalization } = preprocessing;
  const scores = await evaluate(
    network,
    batches({
      dataset,
      batchSize: evaluationBatchOf(preprocessing),
      transform,
      normalization,
      seed,
      ...(badImages && { badImages }),
    }),
    {
      ...(onProgress && { onProgress }),
      onLogits: (logits, { labels, indices }) => {
        const classes = logits.length / labels.length;
        for (const [i, label] of labels.entries()) {
          const row = logits.subarray(i * classes, (i + 1) * classes);
          const { predicted, probability } = prediction(row);
          const key = `${label} ${predicted}`;
          const known = counts.get(key) ?? { label, predicted, count: 0 };
          counts.set(key, { ...known, count: known.count + 1 });
          const index = indices[i] as number;
          if (predicted !== label) wrong.push({ file: '', label, predicted, probability, index });
        }
      },
    },
  );
  wrong.sort((a, b) => b.probability - a.probability);
  const mistakes = wrong.slice(0, shown).map((one, i) => ({ ...one, file: join('mistakes', `${i + 1}.png`) }));
  return { ...scores, confusion: [...counts.values()], mistakes };
}

/** Writes `evaluation.json` and the pictures of the mistakes into a run's folder. */
export async function writeEvaluation(
  folder: string,
  evaluation: Awaited<ReturnType<typeof evaluateInDetail>>,
  dataset: Dataset,
): Promise<void> {
  for (const { file, index } of evaluation.mistakes) {
    const image = await dataset.get(index);
    await writeFileAtomically(join(folder, file), await encodePng(image, { maxSize: thumbnailSize }));
  }
  await writeFileAtomically(join(folder, 'evaluation.json'), `${JSON.stringify(evaluation)}\n`);
}

/** The most likely class of one image's logits, and its probability. */
function prediction(logits: Float32Array): { predicted: number; probability: number } {
  let predicted = 0;
  for (let k = 1; k < logits.length; k++) if ((logits[k] as number) > (logits[predicted] as number)) predicted = k;
  const largest = logits[predicted] as number;
  return { predicted, probability: 1 / logits.reduce((sum, value) => sum + Math.exp(value - largest), 0) };
}
