// npm run setup:tensorflow [-- --gpu --cuda]: sets up, then makes tfjs-node work in this repository.
import { bin, root, run } from './lib.mjs';
import { setUp } from './setup.mjs';

setUp();
process.exitCode = run(bin('bag-tensorflow'), process.argv.slice(2), { cwd: root });
