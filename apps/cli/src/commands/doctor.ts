import * as tf from '@tensorflow/tfjs';
import { type EngineStatus, probeEngines, threadsOf } from '../engine.js';
import { processor } from '../processor.js';
import { withProgress } from '../progress.js';
import { table } from '../table.js';

/** How long each engine is timed. */
const probeMs = 2000;

/** GFLOP/s of a forward convolution, 3×3, 64→64 channels, 56×56 pixels: the median over two seconds. */
async function measure(name: EngineStatus['name']): Promise<number> {
  if (!(await tf.setBackend(name))) return NaN;
  await tf.ready();
  const batch = name === 'cpu' ? 1 : 8;
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

export async function doctorCommand({ json }: { json?: boolean }): Promise<void> {
  const engines = await probeEngines();
  const measured = await withProgress(async (progress) => {
    const results = [];
    progress.start(engines.length);
    for (const [i, engine] of engines.entries()) {
      const { name, available } = engine;
      progress.update(i, `timing ${name}`);
      results.push({ ...engine, ...(available && { gigaflops: await measure(name), threads: await threadsOf(name) }) });
    }
    return results;
  });
  const machine = { node: process.version, platform: `${process.platform} ${process.arch}`, ...processor() };
  if (json === true) {
    console.log(JSON.stringify({ ...machine, engines: measured }));
    return;
  }
  const { node, platform, model, cores, usable, instructionSets } = machine;
  console.log(`Node ${node}, ${platform}`);
  console.log(`${cores} × ${model}${usable < cores ? `, of which ${usable} may be used` : ''}`);
  console.log(`instruction sets: ${instructionSets.join(' ') || 'not told by this system'}\n`);
  const rows = measured.map((engine) => [
    engine.name,
    engine.available ? 'yes' : 'no',
    engine.version ?? '',
    engine.threads === undefined ? '' : String(engine.threads),
    engine.gigaflops === undefined ? '' : engine.gigaflops.toFixed(1),
  ]);
  console.log(table(['engine', 'available', 'version', 'threads', 'conv GFLOP/s'], rows));
  for (const { name, available, reason, fix } of measured) {
    if (!available) console.log(`\n${name}: ${reason ?? ''}; ${fix ?? ''}`);
  }
  console.log('\n--backend auto takes the first that is available.');
}
