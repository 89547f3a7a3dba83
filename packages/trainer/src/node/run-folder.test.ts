import { appendFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeFirstBatch } from './first-batch.js';
import { type Checkpoint, RunFolder } from './run-folder.js';

let run: RunFolder;
beforeEach(async () => {
  run = new RunFolder(await mkdtemp(join(tmpdir(), 'bag-run-')));
});
afterEach(async () => {
  await rm(run.path, { recursive: true });
});

const tensor = (value: number) => ({ shape: [1], values: Float32Array.of(value) });
const checkpoint = (step: number): Checkpoint => ({
  step,
  epoch: step / 10,
  model: { w: tensor(step) },
  optimizer: { w: tensor(-step) },
  state: { scaler: { scale: 65536 } },
});

describe('RunFolder', () => {
  test('the newest checkpoint comes back; older ones go, the last two stay', async () => {
    for (const step of [10, 20, 100]) await run.writeCheckpoint(checkpoint(step));
    expect(await run.checkpointSteps()).toEqual([20, 100]);
    expect(await run.readCheckpoint()).toEqual(checkpoint(100));
  });

  test('what is not a tensor can be changed', async () => {
    await run.writeCheckpoint(checkpoint(10));
    await run.updateCheckpoint({ step: 10, epoch: 7, state: {} });
    expect(await run.readCheckpoint()).toEqual({ ...checkpoint(10), epoch: 7, state: {} });
  });

  test('averaged weights are there only where they were written', async () => {
    await run.writeCheckpoint({ ...checkpoint(10), ema: { w: tensor(0.5) } });
    expect((await run.readCheckpoint())?.ema).toEqual({ w: tensor(0.5) });
  });

  test('a checkpoint that a crash left half-written is not seen, and does not stop the next', async () => {
    await run.writeCheckpoint(checkpoint(10));
    const half = join(run.path, 'checkpoints', '20.tmp');
    await mkdir(half);
    await writeFile(join(half, 'model.safetensors'), 'half');
    expect((await run.readCheckpoint())?.step).toBe(10);
    await run.writeCheckpoint(checkpoint(20));
    expect(await readdir(join(run.path, 'checkpoints'))).toEqual(['10', '20']);
  });

  test('a run without checkpoints has none, and an empty folder is no run', async () => {
    expect(await run.readCheckpoint()).toBeUndefined();
    await expect(run.readConfig()).rejects.toThrow('config.json is missing; is');
  });

  test('of a damaged checkpoint the one before is taken, and it is said', async () => {
    for (const step of [10, 20]) await run.writeCheckpoint(checkpoint(step));
    await writeFile(join(run.path, 'checkpoints', '20', 'model.safetensors'), 'half');
    const said: string[] = [];
    expect((await run.readCheckpoint((message) => said.push(message)))?.step).toBe(10);
    expect(said).toEqual([expect.stringContaining('taking the checkpoint before it')]);
  });

  test('rewinding drops what a resumed run will write again, and half a line', async () => {
    for (let step = 0; step < 4; step++) await run.appendMetrics({ kind: 'step', step });
    await run.appendMetrics({ kind: 'epoch', epoch: 0, step: 2 });
    await run.appendMetrics({ kind: 'epoch', epoch: 1, step: 4 });
    await appendFile(run.metricsPath, '{"kind":"st');
    expect(await run.readMetrics()).toHaveLength(6);
    await run.rewindMetrics({ step: 2, epoch: 1 });
    const steps = [0, 1].map((step) => ({ kind: 'step', step }));
    expect(await run.readMetrics()).toEqual([...steps, { kind: 'epoch', epoch: 0, step: 2 }]);
    // A checkpoint from before the validation of its epoch.
    await run.rewindMetrics({ step: 2, epoch: 0 });
    expect(await run.readMetrics()).toEqual(steps);
  });

  test('the first batch is drawn with the normalisation undone', async () => {
    const images = Float32Array.of(1, 0, -1, 0, 0, 0); // two images of one pixel
    await writeFirstBatch(run.firstBatchPath, images, [2, 1, 1, 3], { mean: [128, 128, 128], deviation: [64, 64, 64] });
    const { data, info } = await sharp(run.firstBatchPath).raw().toBuffer({ resolveWithObject: true });
    const zoom = 96;
    expect([info.width, info.height]).toEqual([8 * zoom, 5 * zoom]);
    const at = (x: number, y: number) => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)];
    expect(at(2 * zoom, 2 * zoom)).toEqual([192, 128, 64]);
    expect(at(5 * zoom, 2 * zoom)).toEqual([128, 128, 128]);
    expect(at(0, 0)).toEqual([255, 255, 255]);
  });
});
