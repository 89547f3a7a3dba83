import { mean, nextFrame, type Scalar, tensor1d, tensor4d, tidy } from '@tensorflow/tfjs';
import { crossEntropy } from '@bag/ops';
import type { Scores } from './events.js';
import { Metrics } from './metrics.js';
import type { Batch, Network } from './types.js';

export interface EvaluateOptions<B extends Batch> {
  /** Called after each batch with the number of examples so far. */
  onProgress?: (examples: number) => void | Promise<void>;
  /** Receives each batch with its logits `[batch, classes]`. */
  onLogits?: (logits: Float32Array, batch: B) => void;
}

/**
 * Loss (plain cross-entropy), top-1 and top-5 of a network in inference mode over all batches.
 *
 * @example
 * const { top1 } = await evaluate(network, validationBatches);
 */
export async function evaluate<B extends Batch>(
  network: Pick<Network, 'apply'>,
  batches: Iterable<B> | AsyncIterable<B>,
  { onProgress, onLogits }: EvaluateOptions<B> = {},
): Promise<Scores & { examples: number }> {
  const metrics = new Metrics();
  for await (const batch of batches) {
    const { images, labels, shape } = batch;
    const [logits, loss] = tidy(() => {
      const z = network.apply(tensor4d(images, [...shape]), { training: false });
      return [z, mean<Scalar>(crossEntropy({ logits: z, labels: tensor1d(labels, 'int32') }))] as const;
    });
    const values = (await logits.data()) as Float32Array;
    metrics.add({ loss: (await loss.data())[0] as number }, values, { labels });
    logits.dispose();
    loss.dispose();
    onLogits?.(values, batch);
    await onProgress?.(metrics.examples);
    await nextFrame();
  }
  return { ...metrics.result(), examples: metrics.examples };
}
