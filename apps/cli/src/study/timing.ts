import { evaluate } from '@bag/trainer';
import type { Config } from '../config/schema.js';
import { architectureOf, buildNetwork, imageSizeOf } from '../network.js';
import { noise, timedBatch, timedTraining } from '../timed-training.js';

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

/** What decides the time of an image. */
export function timedKind(config: Config): string {
  const { precision, freeze, distillation, mixup, cutmix, ema } = config;
  const { nodes } = architectureOf(config, 2);
  const tricks = [distillation.teacher !== null, mixup.alpha > 0, cutmix.alpha > 0, ema.decay > 0];
  return JSON.stringify([nodes, imageSizeOf(config), timedBatch(config, mostBytes), precision, freeze, tricks]);
}

/** Times a few training steps of a configuration, and an evaluation. */
export async function timeImages(config: Config, classes: number, teacherConfig?: Config): Promise<ImageTimes> {
  const teacher = teacherConfig && buildNetwork(teacherConfig, classes);
  const batch = timedBatch(config, mostBytes);
  const training = timedTraining(config, { classes, batch, teacher });
  await training.stepMs();
  let totalMs = 0;
  for (let i = 0; i < timedSteps; i++) totalMs += await training.stepMs();
  const evaluated = Math.min(batch, 50);
  const some = [noise(config, evaluated)];
  const startMs = performance.now();
  await evaluate(training.network, some);
  const evaluationMs = (performance.now() - startMs) / evaluated;
  training.dispose();
  teacher?.dispose();
  return { trainingMs: totalMs / timedSteps / batch, evaluationMs };
}
