import type { HalfSupport } from '@bag/tfjs-backend-onednn';
import * as tf from '@tensorflow/tfjs';
import { type EngineStatus, missing, probeEngines, startEngine } from '../engine.js';
import { processor } from '../processor.js';
import { withProgress } from '../progress.js';
import { table } from '../table.js';

/** How long each engine is timed. */
const probeMs = 2000;

/** GFLOP/s of the current engine in a forward convolution, 3×3, 64→64 channels, 56×56 pixels: the median over two seconds. */
async function measure(): Promise<number> {
  const batch = tf.getBackend() === 'cpu' ? 1 : 8;
  const x = tf.randomUniform<tf.Rank.R4>([batch, 56, 56, 64]);
  const w = tf.randomUniform<tf.Rank.R4>([3, 3, 64, 64]);
  const run = async () => {
    const startMs = performance.now();
    const y = tf.conv2d(x, w, 1, 'same');
    await y.data();
    y.dispose();
    return performance.now() - startMs;
  };
  await run();
  const times: number[] = [];
  const endMs = performance.now() + probeMs;
  do times.push(await run());
  while (performance.now() < endMs);
  tf.dispose([x, w]);
  const medianMs = times.sort((a, b) => a - b)[times.length >> 1] as number;
  return (2 * batch * 56 * 56 * 9 * 64 * 64) / medianMs / 1e6;
}

interface MeasuredEngine extends EngineStatus {
  gigaflops?: number;
}

export async function doctorCommand({ json }: { json?: boolean }): Promise<void> {
  const engines = await measureEach(await probeEngines());
  const active = engines.find(({ available }) => available)?.name;
  const machine = { node: process.version, platform: `${process.platform} ${process.arch}`, ...processor() };
  if (json === true) {
    console.log(JSON.stringify({ ...machine, active, engines }));
    return;
  }
  const { node, platform, model, cores, usable, instructionSets } = machine;
  console.log(`Node ${node}, ${platform}`);
  console.log(`${cores} × ${model}${usable < cores ? `, of which ${usable} may be used` : ''}`);
  console.log(`instruction sets: ${instructionSets.join(' ') || 'not told by this system'}\n`);
  const rows = engines.map(({ name, available, version = '', threads, gigaflops }) => [
    name,
    available ? 'yes' : 'no',
    version,
    threads === undefined ? '' : String(threads),
    gigaflops === undefined ? '' : gigaflops.toFixed(1),
  ]);
  console.log(table(['engine', 'available', 'version', 'threads', 'conv GFLOP/s'], rows));
  console.log(`\n--backend auto takes ${active ?? 'none'}, the first that is available.`);
  for (const engine of engines) {
    if (!engine.available) console.log(`${engine.name}: ${missing(engine)}`);
    else if (engine.name === 'onednn') for (const line of nativeDetails(engine)) console.log(`onednn: ${line}`);
  }
}

async function measureEach(engines: EngineStatus[]): Promise<MeasuredEngine[]> {
  return withProgress(async (progress) => {
    const measured: MeasuredEngine[] = [];
    progress.start(engines.length);
    for (const [i, engine] of engines.entries()) {
      progress.update(i, `timing ${engine.name}`);
      measured.push(engine.available ? { ...(await startEngine(engine)), gigaflops: await measure() } : engine);
    }
    return measured;
  });
}

function nativeDetails(engine: EngineStatus): string[] {
  const { instructionSet = '', threads = 0, threadsFrom, memoryLimitBytes = 0, halves } = engine;
  const source = threadsFrom === 'BAG_NUM_THREADS' ? 'BAG_NUM_THREADS' : 'the processors; BAG_NUM_THREADS changes it';
  const limit = `${(memoryLimitBytes / 2 ** 30).toFixed(1)} GiB`;
  return [
    `instructions ${instructionSet}, threads ${threads} (from ${source}), tensors take at most ${limit}`,
    ...(halves === undefined
      ? []
      : [`bf16: ${describeHalf(halves.bfloat16)}`, `fp16: ${describeHalf(halves.float16)}`]),
  ];
}

/** What a run in 16 bits gets here. */
function describeHalf({ computedBy, convertedBy }: HalfSupport): string {
  return computedBy === null
    ? `storage only: computed in float32, converted by ${convertedBy}`
    : `convolutions by ${computedBy}; the rest is storage only: computed in float32, converted by ${convertedBy}`;
}
