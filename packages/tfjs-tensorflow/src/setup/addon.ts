import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { EngineError } from '../engine-error.js';
import { addonOf } from '../packages.js';
import { lastLines, run } from './run.js';

const require = createRequire(import.meta.url);

/** Compiles tfjs-node's addon against the library and the headers in its `deps`. */
export async function buildAddon(folder: string): Promise<void> {
  const addon = addonOf(folder);
  const variables = {
    napi_build_version: '8',
    module_name: 'tfjs_binding',
    module_path: dirname(addon),
  };
  const { ok, output } = await run(
    process.execPath,
    [
      require.resolve('node-gyp/bin/node-gyp.js'),
      'rebuild',
      `--nodedir=${nodeHeaders(folder)}`,
      ...Object.entries(variables).map(([name, value]) => `--${name}=${value}`),
    ],
    // TensorFlow's headers are C++17.
    { folder, environment: { CXXFLAGS: `${process.env['CXXFLAGS'] ?? ''} -std=c++17`, npm_config_jobs: 'max' } },
  );
  if (ok && existsSync(addon)) return;
  const lacks = /not found: make|Could not find any Python|g\+\+: (?:not found|No such file)|c\+\+: not found/.exec(
    output,
  );
  if (lacks !== null) {
    throw new EngineError(`the addon needs a C++ compiler: ${lacks[0]}`, 'apt-get install g++ make python3');
  }
  throw new EngineError(`the addon does not compile:\n${lastLines(output, 20)}`, 'report it, with these lines');
}

/** A folder with Node's headers in include/node: those beside the executable, else those of node-api-headers. */
function nodeHeaders(folder: string): string {
  const beside = dirname(dirname(process.execPath));
  if (existsSync(join(beside, 'include/node/node_api.h'))) return beside;
  const headers = join(folder, 'deps', 'node');
  const include = join(headers, 'include', 'node');
  mkdirSync(include, { recursive: true });
  cpSync((require('node-api-headers') as { include_dir: string }).include_dir, include, { recursive: true });
  // What node-gyp reads beside the headers.
  const defaults = "'default_configuration': 'Release', 'configurations': {'Release': {}}, 'cflags': ['-fPIC']";
  writeFileSync(join(include, 'common.gypi'), `{'target_defaults': {${defaults}}}\n`);
  return headers;
}
