import type { EpochEvent, Losses, StepEvent } from '@bag/trainer';
import { EventFile, type RunFolder } from '@bag/trainer/node';

/** The terms of a loss, where there is a teacher: against the labels, and from the teacher. */
function terms(group: string, { hard, soft }: Losses): Record<string, number> {
  return {
    ...(hard !== undefined && { [`${group}/hard`]: hard }),
    ...(soft !== undefined && { [`${group}/soft`]: soft }),
  };
}

/** A run's metrics, twice: `metrics.jsonl`, and an event file for TensorBoard. */
export class MetricsLog {
  readonly #folder: RunFolder;
  readonly #events: EventFile;

  private constructor(folder: RunFolder, events: EventFile) {
    this.#folder = folder;
    this.#events = events;
  }

  /** @param from Where the run goes on: what was written of later steps is void. */
  static async open(folder: RunFolder, from: { step: number; epoch: number }): Promise<MetricsLog> {
    await folder.rewindMetrics(from);
    return new MetricsLog(folder, await EventFile.create(folder.path, { fromStep: from.step + 1 }));
  }

  async step(event: StepEvent): Promise<void> {
    await this.#folder.appendMetrics(event);
    const { step, loss, rate, scale, imagesPerSecond } = event;
    await this.#events.scalars(step + 1, {
      'step/loss': loss,
      ...terms('step', event),
      'step/learning rate': rate,
      'step/loss scale': scale,
      'step/images per second': imagesPerSecond,
    });
  }

  async epoch(event: EpochEvent): Promise<void> {
    await this.#folder.appendMetrics(event);
    const { step, train: training, validation, average, memory } = event;
    const scores = Object.entries({ training, validation, averaged: average });
    await this.#events.scalars(step, {
      ...terms('loss', training),
      'memory/tensors': memory.tensors,
      'memory/tensors MiB': memory.bytes / 2 ** 20,
      ...(memory.nativeBytes !== undefined && { 'memory/native MiB': memory.nativeBytes / 2 ** 20 }),
      ...Object.fromEntries(
        scores.flatMap(([name, score]) =>
          score === undefined
            ? []
            : [
                [`loss/${name}`, score.loss],
                [`top-1/${name}`, score.top1],
                [`top-5/${name}`, score.top5],
              ],
        ),
      ),
    });
  }
}
