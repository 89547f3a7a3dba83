// Our side of input.mjs: "count" tells how many images there are, each other line is a pass over all of them.
import { batches, imageNetTrain, torchvisionNormalization } from '@bag/data';
import { encodedDataset } from '@bag/data/node';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [folder] = process.argv.slice(2);
const files = (await readdir(folder, { recursive: true })).filter((file) => /\.(jpe?g|png)$/i.test(file)).sort();
const dataset = encodedDataset({
  name: folder,
  classes: ['images'],
  labels: new Int32Array(files.length),
  encoded: (index) => join(folder, files[index]),
  workers: 1,
});
const transform = imageNetTrain({ size: 224, jitter: 'official', lighting: false });
const options = { dataset, batchSize: 32, transform, normalization: torchvisionNormalization, seed: 0, lend: true };
let epoch = 0;
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'count') {
    console.log(JSON.stringify({ images: files.length }));
    continue;
  }
  const start = performance.now();
  let images = 0;
  for await (const { labels } of batches({ ...options, epoch: epoch++, shuffle: true })) images += labels.length;
  if (images !== files.length) throw new Error(`${images} of ${files.length} images`);
  console.log(JSON.stringify({ ms: performance.now() - start }));
}
await dataset.close?.();
