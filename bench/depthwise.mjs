// MobileNet's depthwise convolutions and both of their gradients, beside PyTorch's.
import { join } from 'node:path';
import { Contender, interleave, median, speedup } from './contender.mjs';
import { here, pythonsWithTorch, threadEnvironment } from './machine.mjs';

/** Size, channels, stride; and how often MobileNet has it. */
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

export async function depthwise({ batch = 16, rounds = 9 } = {}) {
  const start = (name, command, file) => new Contender(name, command, [join(here, file)], threadEnvironment);
  const ours = start('ours', process.execPath, 'ours-depthwise.mjs');
  const peers = pythonsWithTorch().map(({ version, python }) =>
    start(`PyTorch ${version}`, python, 'peers/torch_depthwise.py'),
  );
  for (const precision of ['fp32', 'bf16']) {
    console.log(`\n## Depthwise convolutions of MobileNet, batch ${batch}, ${precision}: medians in ms\n`);
    const columns = works.flatMap((work) => [`${work}, ours`, ...peers.map(({ name }) => `${name} (×)`)]);
    console.log(`| layer | ${columns.join(' | ')} |\n|${'---|'.repeat(columns.length + 1)}`);
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
          if (name !== 'ours') cells.push(`${median(ms).toFixed(2)} (${speedup(results, 'ours', name).toFixed(2)})`);
        }
      }
      console.log(`| ${size}²×${channels}${stride > 1 ? `, /${stride}` : ''} | ${cells.join(' | ')} |`);
    }
    const sums = works.flatMap((work) => {
      const own = totals.get(`${work}, ours`);
      const others = peers.map(({ name }) => totals.get(`${work}, ${name}`));
      return [own.toFixed(1), ...others.map((other) => `${other.toFixed(1)} (${(other / own).toFixed(2)})`)];
    });
    console.log(`| all 13 | ${sums.join(' | ')} |`);
  }
  console.log(`\nn = ${rounds}, interleaved; × = PyTorch's time over ours, the median of the rounds.`);
  await Promise.all([ours, ...peers].map((contender) => contender.end()));
}
