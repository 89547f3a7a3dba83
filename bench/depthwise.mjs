// `depthwise.mjs [ROUNDS [BATCH]]`: MobileNet's depthwise convolutions and both of their gradients, beside PyTorch's.
import { Contender, interleave, median, speedup } from './contender.mjs';
import { here, machine, pythonsWithTorch, threadEnvironment } from './machine.mjs';
import { join } from 'node:path';

const [rounds = 9, batch = 16] = process.argv.slice(2).map(Number);
// Size, channels, stride; and how often MobileNet has it.
const layers = [
  [112, 32, 1, 1],
  [112, 64, 2, 1],
  [56, 128, 1, 1],
  [56, 128, 2, 1],
  [28, 256, 1, 1],
  [28, 256, 2, 1],
  [14, 512, 1, 5],
  [14, 512, 2, 1],
  [7, 1024, 1, 1],
];
const works = ['forward', 'input', 'filter'];

const ours = new Contender('ours', process.execPath, [join(here, 'ours-depthwise.mjs')], threadEnvironment);
const peers = pythonsWithTorch().map(
  ({ version, python }) =>
    new Contender(`PyTorch ${version}`, python, [join(here, 'peers/torch_depthwise.py')], threadEnvironment),
);

console.log(`${machine()}; batch ${batch}, n = ${rounds}, interleaved; medians in ms, × = PyTorch's time over ours\n`);
for (const precision of ['fp32', 'bf16']) {
  const columns = works.flatMap((work) => [`${work}, ours`, ...peers.map(({ name }) => `${name} (×)`)]);
  console.log(`| ${precision} | ${columns.join(' | ')} |\n|${'---|'.repeat(columns.length + 1)}`);
  const totals = new Map();
  for (const [size, channels, stride, count] of layers) {
    const cells = [];
    for (const work of works) {
      const line = JSON.stringify({ work, batch, size, channels, stride, precision });
      const results = await interleave([ours, ...peers], line, { rounds, warmup: 2 });
      cells.push(results.get('ours').median.toFixed(2));
      for (const [name, { ms }] of results) {
        const key = `${work}, ${name}`;
        totals.set(key, (totals.get(key) ?? 0) + count * median(ms));
        if (name === 'ours') continue;
        cells.push(`${median(ms).toFixed(2)} (${speedup(results, 'ours', name).toFixed(2)})`);
      }
    }
    console.log(`| ${size}²×${channels}${stride > 1 ? `, /${stride}` : ''} | ${cells.join(' | ')} |`);
  }
  const sums = works.flatMap((work) => {
    const own = totals.get(`${work}, ours`);
    const others = peers.map(({ name }) => totals.get(`${work}, ${name}`));
    return [own.toFixed(1), ...others.map((other) => `${other.toFixed(1)} (${(other / own).toFixed(2)})`)];
  });
  console.log(`| all 13 | ${sums.join(' | ')} |\n`);
}
await Promise.all([ours, ...peers].map((contender) => contender.end()));
