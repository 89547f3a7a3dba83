// The training steps of the same two networks on every engine, in turn; slow engines take fewer.
import { spawnSync } from 'node:child_process';
import { Contender, median } from './contender.mjs';
import { here, threadEnvironment, threads } from './machine.mjs';

/** Multiply-adds of a step: forward, and twice that for the gradients. */
const networks = [
  { model: 'resnet20', batch: 64, size: 32, gigaMacs: 64 * 3 * 0.041 },
  { model: 'resnet50', batch: 8, size: 224, gigaMacs: 8 * 3 * 4.09 },
];
const engines = ['onednn', 'tensorflow', 'tensorflow-gpu', 'webgpu', 'wasm', 'cpu'];
const mostRounds = 15;
/** What an engine may take of a network's time: then it takes fewer steps, and slow ones only one that is no warm-up. */
const budgetMs = 90_000;
const slowMs = 20_000;
/** A step that takes longer is not waited for. */
const patienceMs = 150_000;

/** The engines that start here, with what they say of themselves; those that do not, with the reason. */
function found() {
  const program = `${here}ours.mjs`;
  return engines.map((name) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'resnet8', '1', '8', 'fp32', name], {
      input: 'version\n',
      encoding: 'utf8',
      env: { ...process.env, ...threadEnvironment },
    });
    if (status === 0) return { name, version: JSON.parse(stdout).version };
    return { name, reason: /^\w*Error: (.*)$/m.exec(stderr)?.[1] ?? stderr.trim().split('\n').at(-1) };
  });
}

export async function backends() {
  const all = found();
  for (const { name, reason } of all) if (reason !== undefined) console.error(`without ${name}: ${reason}`);
  let sides = all.filter(({ version }) => version !== undefined);
  let before;
  for (const network of networks) {
    const scale = before === undefined ? 0 : network.gigaMacs / before.gigaMacs;
    for (const side of sides) side.patient = (side.stepMs ?? 0) * scale <= patienceMs;
    sides = await compare(network, sides);
    before = network;
  }
}

/** Prints a table; gives the engines that were in it. */
async function compare({ model, batch, size }, all) {
  console.log(`\n## ${model}, training step, ${size}², batch ${batch}, fp32, ${threads} threads\n`);
  const sides = [];
  for (const side of all) {
    const first = side.patient ? await firstStep(side, [model, batch, size]) : undefined;
    if (first === undefined) {
      const takes = side.patient ? 'takes' : 'would take';
      console.log(`${side.version}: a step ${takes} more than ${patienceMs / 60_000} minutes\n`);
      continue;
    }
    side.slow = first.ms > slowMs;
    // The first step compiles and allocates; the second tells how many of them there is time for.
    const { ms } = side.slow ? first : await side.process.ask('train');
    side.ms = side.slow ? [ms] : [];
    side.rounds = side.slow ? 0 : Math.max(1, Math.min(mostRounds, Math.floor(budgetMs / ms)));
    sides.push(side);
  }
  for (let round = 0; round < mostRounds; round++) {
    process.stderr.write(`\rround ${round + 1} of ${mostRounds}`);
    for (const side of sides.filter((one) => round < one.rounds)) side.ms.push((await side.process.ask('train')).ms);
  }
  process.stderr.write('\n');
  console.log(`| engine | ms, median (least–most) | n | images/s | peak resident MiB | ${sides[0]?.name} against it |`);
  console.log('|---|---|---|---|---|---|');
  for (const side of sides) {
    side.stepMs = median(side.ms);
    const { peakRssMiB } = await side.process.ask('memory');
    const spread =
      side.ms.length === 1 ? '' : ` (${Math.min(...side.ms).toFixed(1)}–${Math.max(...side.ms).toFixed(1)})`;
    const count = side.slow ? '1, the first' : side.ms.length;
    const perSecond = ((batch / side.stepMs) * 1e3).toPrecision(3);
    console.log(
      `| ${side.version} | ${side.stepMs.toFixed(1)}${spread} | ${count} | ${perSecond} | ${peakRssMiB.toFixed(0)} | ${against(sides[0], side)} |`,
    );
  }
  await Promise.all(sides.map(({ process: side }) => side.end()));
  return sides;
}

/** Starts an engine; undefined where its first step takes too long. */
function firstStep(side, network) {
  process.stderr.write(`warming up ${side.name}\n`);
  const args = [`${here}ours.mjs`, ...network, 'fp32', side.name].map(String);
  side.process = new Contender(side.name, process.execPath, args, threadEnvironment);
  return side.process.askFor('train', patienceMs);
}

/** The median over the rounds that both took of other/own, above 1 where `own` is faster. */
function against(own, other) {
  if (own === other || other.slow || own.slow) return '';
  const both = Math.min(own.ms.length, other.ms.length);
  return `${median(other.ms.slice(0, both).map((ms, i) => ms / own.ms[i])).toFixed(2)} ×`;
}
