import { policy } from '@bag/mixed-precision';
import { benchmark } from '../benchmark.js';
import { resolveConfig } from '../config/load.js';
import type { Config, PartialConfig } from '../config/schema.js';
import { useEngine } from '../engines/use.js';
import { UsageError } from '../errors.js';
import { benchmarkInput } from '../input-benchmark.js';
import type { EngineChoice } from '../engines/names.js';
import { median } from '../median.js';
import { buildNetwork, imageSizeOf, modelOf, variantOf } from '../network.js';
import { processor } from '../processor.js';
import { withProgress } from '../progress.js';
import { scalerOf } from '../recipe.js';

export interface BenchFlags {
  /** A folder of images: then the input pipeline alone is timed. */
  input?: string;
  workers?: number;
  passes?: number;
  model?: string;
  variant?: string;
  batch?: number;
  size?: number;
  precision?: Config['precision'];
  backend?: EngineChoice;
  threads?: number;
  steps?: number;
  warmup?: number;
  inference?: boolean;
  json?: boolean;
}

/** Times a training step, or the forward pass alone, on random images. */
export async function benchCommand(flags: BenchFlags): Promise<void> {
  requireOneKind(flags);
  if (flags.input !== undefined) return inputBench(flags.input, flags);
  const { steps = 10, warmup = 2, inference = false, json, backend = 'auto' } = flags;
  const config = configOf(flags);
  const { family } = modelOf(config);
  const size = imageSizeOf(config);
  const variant = variantOf(config);
  const classes = family === 'cifar' ? 10 : 1000;
  const engine = await useEngine(backend, flags.threads);
  const precision = policy({ dtype: config.precision });
  const scaler = scalerOf(config);
  const network = buildNetwork(config, classes);
  const onednn = engine.name === 'onednn' ? await import('@bag/tfjs-backend-onednn') : undefined;
  const times = await withProgress((progress) => {
    progress.start(warmup + steps);
    const onStep = (done: number) => progress.update(done, done <= warmup ? 'warming up' : 'timing');
    const onWarm = () => onednn?.resetPeakMemory();
    const { batch } = config;
    return benchmark({ network, precision, scaler, batch, size, classes, steps, warmup, inference, onWarm, onStep });
  });
  network.dispose();
  const sorted = times.sort((a, b) => a - b);
  const medianMs = median(sorted);
  const { model, cores } = processor();
  const result = {
    model: config.model,
    ...(variant && { variant }),
    batch: config.batch,
    size,
    classes,
    precision: config.precision,
    emulated: precision.emulated,
    inference,
    backend: engine.name,
    engineVersion: engine.version,
    threads: engine.threads,
    processor: `${cores} × ${model}`,
    node: process.version,
    warmup,
    n: steps,
    imagesPerSecond: round((config.batch / medianMs) * 1000),
    stepMs: round(medianMs),
    sortedStepMs: sorted.map(round),
    peakRssMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    ...(onednn && { nativePeakMiB: Math.round(onednn.memory().peakBytesInUse / 2 ** 20) }),
  };
  if (json === true) console.log(JSON.stringify(result));
  else console.log(describe(result));
}

/** Each of both has flags of its own. */
function requireOneKind(flags: BenchFlags): void {
  const ofModel = ['model', 'variant', 'precision', 'backend', 'threads', 'steps', 'warmup', 'inference'] as const;
  const ofInput = ['workers', 'passes'] as const;
  const foreign = flags.input === undefined ? ofInput : ofModel;
  const found = foreign.find((key) => flags[key] !== undefined);
  if (found === undefined) return;
  throw new UsageError(
    flags.input === undefined
      ? `--${found} goes with --input; add it`
      : `--${found} does not go with --input; leave it out`,
  );
}

/** Times the input pipeline alone. */
async function inputBench(
  path: string,
  { workers = 1, size = 224, batch = 32, passes = 3, json }: BenchFlags,
): Promise<void> {
  const times = await withProgress((progress) => {
    let started = false;
    const onProgress = (done: number, total: number) => {
      if (!started) progress.start(total);
      started = true;
      progress.update(done, done <= total / (passes + 1) ? 'warming up' : 'timing');
    };
    return benchmarkInput({ path, workers, size, batch, passes, onProgress });
  });
  const sorted = [...times.imagesPerSecond].sort((a, b) => a - b);
  const [best, middle] = [sorted.at(-1) ?? 0, median(sorted)];
  const { model, cores } = processor();
  const result = {
    images: times.images,
    unreadable: times.unreadable,
    passes,
    workers,
    size,
    batch,
    processor: `${cores} × ${model}`,
    node: process.version,
    imagesPerSecond: round(best),
    median: round(middle),
    peakRssMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  };
  if (json === true) {
    console.log(JSON.stringify(result));
    return;
  }
  const threads = `${workers} decoding thread${workers === 1 ? '' : 's'}`;
  const bad = times.unreadable === 0 ? '' : `, ${times.unreadable} unreadable`;
  console.log(
    `${times.images} images${bad} to ${size} × ${size} by ${threads}: decode, crop, flip, colour jitter, normalise`,
  );
  console.log(`on ${result.processor}`);
  console.log(
    `${result.imagesPerSecond} images/s, the best of ${passes} passes after one to warm up; median ${result.median}`,
  );
}

/** What the flags say of the network; variant B is the default here, the batch goes by the family. */
function configOf({ model = 'resnet20', variant, batch, size, precision = 'fp32' }: BenchFlags): Config {
  const said = { recipe: 'baseline', model, variant, batch, imageSize: size, precision };
  return resolveConfig(said as PartialConfig);
}

interface Result {
  model: string;
  variant?: string;
  batch: number;
  size: number;
  precision: string;
  emulated: boolean;
  inference: boolean;
  threads: number | undefined;
  processor: string;
  warmup: number;
  n: number;
  imagesPerSecond: number;
  stepMs: number;
  sortedStepMs: number[];
  peakRssMiB: number;
  nativePeakMiB?: number;
}

function describe(result: Result): string {
  const { model, variant, batch, size, precision, emulated, inference, n, warmup, stepMs, sortedStepMs } = result;
  const { imagesPerSecond, peakRssMiB, nativePeakMiB } = result;
  const native = nativePeakMiB === undefined ? '' : `, of which ${nativePeakMiB} MiB tensors`;
  return [
    `${model}${variant === undefined ? '' : ` ${variant}`}, ${batch} images of ${size} × ${size}, ${precision}${emulated ? ' (emulated)' : ''}: ${inference ? 'forward pass' : 'training step'}`,
    `on ${result.processor}`,
    `median ${stepMs} ms, ${sortedStepMs[0] ?? 0} to ${sortedStepMs.at(-1) ?? 0} (${n} steps after ${warmup} to warm up)`,
    `${imagesPerSecond} images/s`,
    `peak memory ${peakRssMiB} MiB${native}`,
  ].join('\n');
}

const round = (value: number) => Math.round(value * 100) / 100;
