import { createRandom } from '@bag/random';
import { evaluate, train } from '@bag/trainer';
import type { Config } from '../config/schema.js';
import { preprocessingOf } from '../data.js';
import { epochOf } from '../epoch.js';
import { buildNetwork } from '../network.js';
import { optimizerOf, tricksOf } from '../recipe.js';

/** What a run costs, measured. */
export interface StepTimes {
  stepMs: number;
  /** Of one image in inference mode. */
  evaluationMs: number;
}

/** Steps that are timed, after one that is not. */
const timedSteps = 2;

/** Times a few training steps of a configuration on noise; data loading is not part of it. */
export async function timeSteps(config: Config, classes: number, teacherConfig?: Config): Promise<StepTimes> {
  const network = buildNetwork(config, classes);
  const teacher = teacherConfig && buildNetwork(teacherConfig, classes);
  const { size } = preprocessingOf(config).train;
  const noise = (batch: number) => {
    const random = createRandom({ seed: 0, purpose: 'timing' });
    const images = Float32Array.from({ length: batch * size * size * 3 }, () => random() * 2 - 1);
    const shape = [batch, size, size, 3] as const;
    return { images, labels: new Int32Array(batch), shape };
  };
  const steps = timedSteps + 1;
  const optimizer = optimizerOf({ ...config, epochs: 1 }, network, 10 * steps);
  const times: number[] = [];
  let last = performance.now();
  const result = await train({
    network,
    // eslint-disable-next-line @typescript-eslint/require-await -- the loop takes asynchronous batches
    batches: async function* () {
      for (let i = 0; i < steps * config.accumulate; i++) yield noise(config.batch);
    },
    stepsPerEpoch: steps,
    epochs: 1,
    optimizer,
    state: { epoch: 0, optimizer: optimizer.init() },
    tricks: tricksOf({ ...config, epochs: 1000 }, network, teacher).tricks,
    accumulate: config.accumulate,
    seed: 0,
    onEvent: ({ kind }) => {
      const now = performance.now();
      if (kind === 'step') times.push(now - last);
      last = now;
    },
  });
  const evaluated = Math.min(config.batch, 50);
  const startMs = performance.now();
  // eslint-disable-next-line @typescript-eslint/require-await -- as above
  const once = async function* () {
    yield noise(evaluated);
  };
  await evaluate(network, once());
  const evaluationMs = (performance.now() - startMs) / evaluated;
  optimizer.dispose(result.state.optimizer);
  network.dispose();
  teacher?.dispose();
  const [, ...timed] = times;
  return { stepMs: timed.reduce((a, b) => a + b, 0) / timed.length, evaluationMs };
}

/** Milliseconds of a whole run. */
export function runMs(
  config: Config,
  { stepMs, evaluationMs }: StepTimes,
  sizes: { train: number; validation: number },
): number {
  const { steps } = epochOf(config, sizes.train);
  return config.epochs * (steps * stepMs + sizes.validation * evaluationMs);
}

/** `30m`, `1h`, `90s`, `1h30m` in milliseconds. */
export function parseDuration(text: string): number | undefined {
  const match = /^(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?:in)?)?(?:(\d+(?:\.\d+)?)s)?$/.exec(text.trim());
  const [hours = 0, minutes = 0, seconds = 0] = (match ?? []).slice(1).map((part) => Number(part ?? 0));
  const ms = ((hours * 60 + minutes) * 60 + seconds) * 1000;
  return ms > 0 ? ms : undefined;
}
