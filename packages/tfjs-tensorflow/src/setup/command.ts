import { parseArgs } from 'node:util';
import { EngineError } from '../engine-error.js';
import { setUpTensorFlow } from './set-up.js';

const usage = `bag-tensorflow [--gpu [--cuda]] [--wheel]

Makes @tensorflow/tfjs-node work in the current project: installs it without its script, gets TensorFlow's library and
builds its addon (needs g++, make and Python with pip).

  --gpu    @tensorflow/tfjs-node-gpu over TensorFlow for CUDA 12.5 and cuDNN 9 (0.6 GB)
  --cuda   NVIDIA's libraries too (2.4 GB): then a driver is all that must be installed
  --wheel  take the library from PyPI at once, without trying tfjs-node's own download
`;

/** The command `bag-tensorflow`: gives the exit code. Progress and errors go to standard error. */
export async function command(args: string[]): Promise<number> {
  const flag = { type: 'boolean', default: false } as const;
  let values;
  try {
    ({ values } = parseArgs({ args, options: { gpu: flag, cuda: flag, wheel: flag, help: flag } }));
  } catch (error) {
    console.error(`error: ${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (values.help) {
    console.log(usage);
    return 0;
  }
  if (values.cuda && !values.gpu) {
    console.error('error: --cuda brings the libraries of --gpu; give both');
    return 2;
  }
  try {
    const say = (line: string) => {
      console.error(`set-up: ${line}`);
    };
    const { package: name, tensorflow, from, lacks } = await setUpTensorFlow({ ...values, say });
    const origin = { before: 'as before', official: 'its own download', wheel: 'a wheel' }[from];
    console.log(`${name}: ${lacks === undefined ? 'works' : 'is built'}, over TensorFlow ${tensorflow} (${origin})`);
    if (lacks !== undefined) console.log(`on this machine, ${lacks}`);
    return 0;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    console.error(`error: ${error.message}`);
    return 1;
  }
}
