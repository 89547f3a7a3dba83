import type { Network } from '@bag/network';
import { createRandom } from '@bag/random';
import { constant } from '@bag/schedules';
import { type Batch, train } from '@bag/trainer';
import type { Config } from './config/schema.js';
import { preprocessingOf } from './data.js';
import { architectureOf, buildNetwork, freezeParts } from './network.js';
import { activationBytes } from './plan.js';
import { optimizerAt, tricksOf } from './recipe.js';

/** Steps of the trainer under the clock, on a network and an optimiser of their own. */
export interface TimedTraining {
  network: Network;
  /** Trains one step on noise; data loading is no part of it. */
  stepMs(): Promise<number>;
  dispose(): void;
}

export interface TimedTrainingOptions {
  classes: number;
  /** Images of a step. */
  batch: number;
  teacher?: Network | undefined;
}

export function timedTraining(config: Config, { classes, batch, teacher }: TimedTrainingOptions): TimedTraining {
  const network = buildNetwork(config, classes);
  freezeParts(network, config);
  const images = noise(config, batch);
  const optimizer = optimizerAt(config, network, constant(1e-3));
  let state = optimizer.init();
  const { tricks } = tricksOf({ ...config, epochs: 1000 }, network, teacher);
  return {
    network,
    stepMs: async () => {
      const startMs = performance.now();
      const result = await train({
        network,
        batches: () => [images],
        stepsPerEpoch: 1,
        epochs: 1,
        optimizer,
        state: { epoch: 0, optimizer: state },
        tricks,
        seed: 0,
      });
      state = result.state.optimizer;
      return performance.now() - startMs;
    },
    dispose: () => {
      optimizer.dispose(state);
      network.dispose();
    },
  };
}

/** Images as the configured network takes them. */
export function noise(config: Config, count: number): Batch {
  const { size } = preprocessingOf(config).train;
  const random = createRandom({ seed: 0, purpose: 'timing' });
  const images = Float32Array.from({ length: count * size * size * 3 }, () => random() * 2 - 1);
  return { images, labels: new Int32Array(count), shape: [count, size, size, 3] };
}

/** The batch, or the part of it whose activations fit into some bytes. */
export function timedBatch(config: Config, mostBytes: number): number {
  const most = Math.floor(mostBytes / activationBytes(config, architectureOf(config, 2)));
  return Math.max(1, Math.min(config.batch, most));
}
