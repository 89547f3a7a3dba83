import { mkdir, readdir, readFile, rename, rm, appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from './atomic.js';
import type { StoredTensor } from '../parameters.js';
import { readSafetensors, writeSafetensors } from './safetensors.js';

/** What a run can go on from: tensors by name, and everything else as JSON. */
export interface Checkpoint {
  /** Optimiser steps taken. */
  step: number;
  /** Epochs finished. */
  epoch: number;
  model: Record<string, StoredTensor>;
  optimizer: Record<string, StoredTensor>;
  ema?: Record<string, StoredTensor>;
  /** The loss scaler's state, and whatever else a step depends on. */
  state: Record<string, unknown>;
}

/**
 * A run is a folder: `config.json`, `metrics.jsonl`, `first-batch.png` and `checkpoints/<step>/`. A checkpoint is written
 * under another name and renamed once it is whole, so a crash leaves the one before it.
 * @example
 * const folder = new RunFolder('runs/mine');
 * const checkpoint = await folder.readCheckpoint();
 */
export class RunFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get metricsPath(): string {
    return join(this.path, 'metrics.jsonl');
  }

  get firstBatchPath(): string {
    return join(this.path, 'first-batch.png');
  }

  async writeConfig(config: unknown): Promise<void> {
    await writeFileAtomically(join(this.path, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  }

  async readConfig(): Promise<unknown> {
    const path = join(this.path, 'config.json');
    try {
      return JSON.parse(await readFile(path, 'utf8')) as unknown;
    } catch (error) {
      const why = isMissing(error) ? 'is missing' : 'is no JSON';
      throw new Error(`${path} ${why}; is ${this.path} the folder of a run?`, { cause: error });
    }
  }

  async appendMetrics(event: object): Promise<void> {
    await mkdir(this.path, { recursive: true });
    await appendFile(this.metricsPath, `${JSON.stringify(event)}\n`);
  }

  /** All metrics so far; a last line that a crash cut off is dropped. */
  async readMetrics(): Promise<Record<string, unknown>[]> {
    return (await this.#metricLines()).map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Forgets the metrics of what comes after a checkpoint: a resumed run writes them again. */
  async rewindMetrics({ step, epoch }: Pick<Checkpoint, 'step' | 'epoch'>): Promise<void> {
    const lines = await this.#metricLines();
    const kept = lines.filter((line) => {
      const record = JSON.parse(line) as { kind: string; step: number; epoch: number };
      return record.kind === 'epoch' ? record.epoch < epoch : record.step < step;
    });
    await writeFileAtomically(this.metricsPath, kept.map((line) => `${line}\n`).join(''));
  }

  async #metricLines(): Promise<string[]> {
    let text: string;
    try {
      text = await readFile(this.metricsPath, 'utf8');
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
    const lines = text.split('\n');
    lines.pop(); // what follows the last newline is nothing, or half a line
    return lines;
  }

  /** Writes a checkpoint, then removes all but the newest `keep`. */
  async writeCheckpoint(checkpoint: Checkpoint, keep = 2): Promise<void> {
    const { step, epoch, model, optimizer, ema, state } = checkpoint;
    const folder = this.#checkpointPath(step);
    const temporary = `${folder}.tmp`;
    await rm(temporary, { recursive: true, force: true });
    await writeSafetensors(join(temporary, 'model.safetensors'), model);
    await writeSafetensors(join(temporary, 'optimizer.safetensors'), optimizer);
    if (ema !== undefined) await writeSafetensors(join(temporary, 'ema.safetensors'), ema);
    await this.#writeState(temporary, { step, epoch, state });
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
    const steps = await this.checkpointSteps();
    for (const old of steps.slice(0, -keep)) {
      await rm(this.#checkpointPath(old), { recursive: true, force: true });
    }
  }

  /** Changes what is not a tensor in the checkpoint of `step`. */
  async updateCheckpoint(checkpoint: Pick<Checkpoint, 'step' | 'epoch' | 'state'>): Promise<void> {
    await this.#writeState(this.#checkpointPath(checkpoint.step), checkpoint);
  }

  #checkpointPath(step: number): string {
    return join(this.path, 'checkpoints', String(step));
  }

  #writeState(folder: string, { step, epoch, state }: Pick<Checkpoint, 'step' | 'epoch' | 'state'>): Promise<void> {
    return writeFileAtomically(join(folder, 'state.json'), `${JSON.stringify({ step, epoch, ...state }, null, 2)}\n`);
  }

  /** The steps of the whole checkpoints, ascending. */
  async checkpointSteps(): Promise<number[]> {
    let names: string[];
    try {
      names = await readdir(join(this.path, 'checkpoints'));
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
    return names
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  }

  /**
   * The newest checkpoint that can be read, or `undefined` before the first.
   * @param onDamaged Hears of a damaged one, whose predecessor is taken.
   * @throws Error naming the damaged file where there is no other.
   */
  async readCheckpoint(onDamaged?: (message: string) => void): Promise<Checkpoint | undefined> {
    const steps = (await this.checkpointSteps()).reverse();
    for (const [i, step] of steps.entries()) {
      try {
        return await this.#read(step);
      } catch (error) {
        if (i === steps.length - 1) throw error;
        onDamaged?.(`${(error as Error).message}; taking the checkpoint before it`);
      }
    }
    return undefined;
  }

  async #read(at: number): Promise<Checkpoint> {
    const folder = this.#checkpointPath(at);
    const text = await readFile(join(folder, 'state.json'), 'utf8');
    const { step, epoch, ...state } = JSON.parse(text) as { step: number; epoch: number } & Record<string, unknown>;
    const names = await readdir(folder);
    return {
      step,
      epoch,
      state,
      model: await readSafetensors(join(folder, 'model.safetensors')),
      optimizer: await readSafetensors(join(folder, 'optimizer.safetensors')),
      ...(names.includes('ema.safetensors') && { ema: await readSafetensors(join(folder, 'ema.safetensors')) }),
    };
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
