// Every engine's training step of the same two networks, step by step in turn; slow engines take fewer.
import { spawnSync } from 'node:child_process';
import { Contender, median } from './contender.mjs';
import { here, threadEnvironment, threads } from './machine.mjs';

const networks = [
  { model: 'resnet20', batch: 64, size: 32, budgetMs: 30_000 },
  { model: 'resnet50', batch: 8, size: 224, budgetMs: 120_000 },
];

/** The fastest first; a step that takes longer than its share of the budget is taken less often, but at least once. */
const engines = ['onednn', 'tensorflow', 'tensorflow-gpu', 'webgpu', 'wasm', 'cpu'];
const mostRounds = 15;

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
  const here = all.filter(({ version }) => version !== undefined);
  for (const network of networks) await compare(network, here);
}

async function compare({ model, batch, size, budgetMs }, found) {
  console.log(`\n## ${model}, training step, ${size}², batch ${batch}, fp32, ${threads} threads\n`);
  const sides = found.map(({ name, version }) => ({ name, version, ms: [] }));
  for (const side of sides) {
    const args = [`${here}ours.mjs`, model, batch, size, 'fp32', side.name].map(String);
    side.process = new Contender(side.name, process.execPath, args, threadEnvironment);
  }
  // The first step compiles and allocates; the second tells how many of them the budget has room for.
  for (const side of sides) {
    process.stderr.write(`\rwarming up ${side.name}          `);
    await side.process.ask('train');
    const { ms } = await side.process.ask('train');
    side.rounds = Math.max(1, Math.min(mostRounds, Math.floor(budgetMs / ms)));
  }
  for (let round = 0; round < mostRounds; round++) {
    process.stderr.write(`\rround ${round + 1} of ${mostRounds}          `);
    for (const side of sides.filter((one) => round < one.rounds)) side.ms.push((await side.process.ask('train')).ms);
  }
  process.stderr.write('\n');
  console.log('| engine | ms, median (least–most) | n | images/s | peak resident MiB | onednn against it |');
  console.log('|---|---|---|---|---|---|');
  const [first] = sides;
  for (const { name, version, ms, process: side } of sides) {
    const { peakRssMiB } = await side.ask('memory');
    const spread = `${median(ms).toFixed(1)} (${Math.min(...ms).toFixed(1)}–${Math.max(...ms).toFixed(1)})`;
    const ratio = name === first.name ? '' : `${median(ms.map((one, i) => one / first.ms[i])).toFixed(2)} ×`;
    const perSecond = ((batch / median(ms)) * 1e3).toPrecision(3);
    console.log(`| ${version} | ${spread} | ${ms.length} | ${perSecond} | ${peakRssMiB.toFixed(0)} | ${ratio} |`);
  }
  await Promise.all(sides.map(({ process: side }) => side.end()));
}
