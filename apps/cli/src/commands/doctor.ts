import * as tf from '@tensorflow/tfjs';
import { cpus } from 'node:os';
import { type EngineStatus, probeEngines } from '../engine.js';
import { table } from '../table.js';

/** GFLOP/s of a forward convolution: 3×3, 64→64 channels, 56×56 pixels. */
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
  const times = name === 'cpu' ? [await run()] : [await run(), await run(), await run()];
  tf.dispose([x, w]);
  const medianMs = times.sort((a, b) => a - b)[times.length >> 1] as number;
  return (2 * batch * 56 * 56 * 9 * 64 * 64) / medianMs / 1e6;
}

export async function doctorCommand({ json }: { json?: boolean }): Promise<void> {
  const engines = await probeEngines();
  const measured = [];
  for (const engine of engines) {
    measured.push({ ...engine, ...(engine.available && { gigaflops: await measure(engine.name) }) });
  }
  const machine = {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model ?? '',
    cores: cpus().length,
  };
  if (json === true) {
    console.log(JSON.stringify({ ...machine, engines: measured }));
    return;
  }
  console.log(`Node ${machine.node}, ${machine.platform}, ${machine.cores} × ${machine.cpu}\n`);
  const rows = measured.map((engine) => [
    engine.name,
    engine.available ? 'yes' : 'no',
    engine.version ?? '',
    'gigaflops' in engine ? engine.gigaflops.toFixed(1) : '',
    engine.available ? '' : `${engine.reason ?? ''}; ${engine.fix ?? ''}`,
  ]);
  console.log(table(['engine', 'available', 'version', 'conv GFLOP/s', 'what is missing'], rows));
  console.log('\n--backend auto takes the first that is available.');
}
