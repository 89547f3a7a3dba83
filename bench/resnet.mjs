// A ResNet's training step or forward pass beside PyTorch's, and beside the convolutions alone; step by step in turn.
import { findOneDnn } from '../packages/tfjs-backend-onednn/scripts/onednn.mjs';
import { Contender, interleave, speedup } from './contender.mjs';
import { compiled, here, pythonsWithTorch, threadEnvironment, threads } from './machine.mjs';

/**
 * @param {{
 *   model: string, batch: number, size: number, work: 'train' | 'infer', precision?: 'fp32' | 'bf16', rounds: number,
 *   warmup?: number, goal: string
 * }} options In bf16 our own fp32 takes part, too.
 */
export async function resnet({ model, batch, size, work, precision = 'fp32', rounds, warmup = 4, goal }) {
  const start = (name, command, args) => new Contender(name, command, args.map(String), threadEnvironment);
  const own = (name, inPrecision) =>
    start(name, process.execPath, [`${here}ours.mjs`, model, batch, size, inPrecision]);
  const ours = own('onednn', precision);
  const peers = pythonsWithTorch().map(({ version, python }) =>
    start(`PyTorch ${version}`, python, [`${here}peers/torch_resnet.py`, model, batch, size, precision]),
  );
  if (precision !== 'fp32') peers.unshift(own('onednn, fp32', 'fp32'));
  let bound;
  if (model === 'resnet50' && size === 224) {
    const root = findOneDnn();
    const native = `${here}../packages/tfjs-backend-onednn/native`;
    const program = compiled('convolutions_alone.cc', [
      ...['-std=c++17', `-I${native}`, `-I${root}/include`, `-L${root}/lib`, '-ldnnl', `-Wl,-rpath,${root}/lib`],
    ]);
    if (program !== undefined) bound = start('convolutions alone', program, [batch, precision]);
  }
  const all = [ours, ...peers, ...(bound ? [bound] : [])];
  console.log(
    `\n## ${model}, ${work === 'train' ? 'training step' : 'inference'}, ${size}², batch ${batch}, ${precision}, ${threads} threads\n`,
  );
  console.error(`${(await ours.ask('version')).version}: ${rounds} rounds in turn after ${warmup} of warm-up`);
  const results = await interleave(all, work, {
    rounds,
    warmup,
    onRound: (round) => process.stderr.write(`\rround ${round + 1} of ${rounds}  `),
  });
  process.stderr.write('\n');
  const peaks = new Map();
  for (const one of [ours, ...peers]) peaks.set(one.name, (await one.ask('memory')).peakRssMiB);
  await Promise.all(all.map((one) => one.end()));

  console.log('| side | ms, median (least–most) | images/s | peak resident MiB | ours against it | memory of ours |');
  console.log('|---|---|---|---|---|---|');
  for (const { name } of all) {
    const { ms, median } = results.get(name);
    const spread = `${median.toFixed(1)} (${Math.min(...ms).toFixed(1)}–${Math.max(...ms).toFixed(1)})`;
    const peak = peaks.get(name);
    const against = name === ours.name ? '' : `${speedup(results, ours.name, name).toFixed(2)} ×`;
    const share = name === ours.name || peak === undefined ? '' : `${(peaks.get(ours.name) / peak).toFixed(2)} ×`;
    console.log(
      `| ${name} | ${spread} | ${((batch / median) * 1e3).toFixed(2)} | ${peak?.toFixed(0) ?? ''} | ${against} | ${share} |`,
    );
  }
  console.log(`\nn = ${rounds}. To reach: ${goal}.`);
}
