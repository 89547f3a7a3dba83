import { createRandom } from '@bag/random';
import { constant } from '@bag/schedules';
import { evaluate, train } from '@bag/trainer';
import type { Config } from '../config/schema.js';
import { preprocessingOf } from '../data.js';
import { architectureOf, buildNetwork, freezeParts, imageSizeOf } from '../network.js';
import { activationBytes } from '../plan.js';
import { optimizerAt, tricksOf } from '../recipe.js';

/** What one image costs, measured. */
export interface ImageTimes {
  trainingMs: number;
  /** In inference mode. */
  evaluationMs: number;
}

/** Steps that are timed, after one that is not. */
const timedSteps = 2;
/** Of the activations that a timed step keeps: a step of large images is timed on a part of its batch. */
const mostBytes = 2 ** 30;

function timedBatch(config: Config): number {
  const most = Math.floor(mostBytes / activationBytes(config, architectureOf(config, 2)));
  return Math.max(1, Math.min(config.batch, most));
}

/** What decides the time of an image. */
export function timedKind(config: Config): string {
  const { precision, freeze, distillation, mixup, cutmix, ema } = config;
  const { nodes } = architectureOf(config, 2);
  const tricks = [distillation.teacher !== null, mixup.alpha > 0, cutmix.alpha > 0, ema.decay > 0];
  return JSON.stringify([nodes, imageSizeOf(config), timedBatch(config), precision, freeze, tricks]);
}

/** Times a few training steps of a configuration on noise; data loading is not part of it. */
export async function timeImages(config: Config, classes: number, teacherConfig?: Config): Promise<ImageTimes> {
  const network = buildNetwork(config, classes);
  freezeParts(network, config);
  const teacher = teacherConfig && buildNetwork(teacherConfig, classes);
  const { size } = preprocessingOf(config).train;
  const noise = (count: number) => {
    const random = createRandom({ seed: 0, purpose: 'timing' });
    const pixels = Float32Array.from({ length: count * size * size * 3 }, () => random() * 2 - 1);
    return { images: pixels, labels: new Int32Array(count), shape: [count, size, size, 3] as const };
  };
  const batch = timedBatch(config);
  const images = noise(batch);
  const optimizer = optimizerAt(config, network, constant(1e-3));
  const steps = timedSteps + 1;
  const times: number[] = [];
  let last = performance.now();
  const result = await train({
    network,
    batches: () => Array.from({ length: steps }, () => images),
    stepsPerEpoch: steps,
    epochs: 1,
    optimizer,
    state: { epoch: 0, optimizer: optimizer.init() },
    tricks: tricksOf({ ...config, epochs: 1000 }, network, teacher).tricks,
    seed: 0,
    onEvent: ({ kind }) => {
      const now = performance.now();
      if (kind === 'step') times.push(now - last);
      last = now;
    },
  });
  const evaluated = Math.min(batch, 50);
  const some = [noise(evaluated)];
  const startMs = performance.now();
  await evaluate(network, some);
  const evaluationMs = (performance.now() - startMs) / evaluated;
  optimizer.dispose(result.state.optimizer);
  network.dispose();
  teacher?.dispose();
  const [, ...timed] = times;
  return { trainingMs: timed.reduce((a, b) => a + b, 0) / timed.length / batch, evaluationMs };
}
