// Installs the packed packages in throw-away projects outside the workspace and uses them as their users will:
// ESM, CJS, TypeScript in both module resolutions, and a browser bundle.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root, runQuietly } from './lib.mjs';
import { packAll } from './pack.mjs';
import { setUp } from './setup.mjs';

setUp();
const packed = packAll();
const tarballOf = Object.fromEntries(packed.map(({ name, tarball }) => [name, tarball]));
const base = mkdtempSync(join(tmpdir(), 'bag-consumer-'));
const results = [];
const step = (name, good) => {
  results.push(good);
  console.log(`${good ? 'ok  ' : 'FAIL'} ${name}`);
};

function project(name, dependencies, more = {}) {
  const folder = mkdtempSync(join(base, `${name}-`));
  const manifest = { name, private: true, type: 'module', dependencies, ...more };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const installed = runQuietly('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock'], { cwd: folder });
  return installed === undefined ? undefined : folder;
}

const file = (path) => `file:${path}`;
const version = (name) => createRequire(join(root, 'package.json'))(`${name}/package.json`).version;

// One statement per package, with the value that it must give.
const uses = {
  '@bag/schedules': ['warmupCosine', 'warmupCosine({ peak: 1, warmupSteps: 2, totalSteps: 10 })(0)', '0.5'],
  '@bag/random': ['philox4x32', 'philox4x32([0, 0, 0, 0], [0, 0])[0]', '0x6627e8d5'],
  '@bag/regularizers': [
    'noBiasDecay',
    'noBiasDecay([{ shape: [2, 2] }], { weightDecay: 1 })[0].parameters.length',
    '1',
  ],
  '@bag/distill': ['gluonWeights', 'gluonWeights(0.25).softWeight', '0.75'],
  '@bag/mixed-precision': ['lossScaler', 'lossScaler().init().scale', '65536'],
  '@bag/network': ['matchesName', "matchesName('layer1.0.conv1.weight', 'layer1.*')", 'true'],
  '@bag/resnet-variants': [
    'imageNetArchitecture',
    "imageNetArchitecture({ depth: 50, variant: 'd' }).head.features",
    '2048',
  ],
  '@bag/models': ['models', "models().find((m) => m.name === 'resnet50' && m.variant === 'd')?.parameters", '25576264'],
  '@bag/ops': ['PendingStatistics', 'new PendingStatistics().size', '0'],
  '@bag/optim': ['sgd', 'typeof sgd', "'function'"],
  '@bag/data': ['syntheticDataset', "syntheticDataset({ size: 3, split: 'train' }).size", '3'],
  '@bag/weights': ['serializeSafetensors', 'serializeSafetensors({}).length', '32'],
  '@bag/report': ['runReport', 'typeof runReport', "'function'"],
  '@bag/trainer': ['Metrics', 'new Metrics().examples', '0'],
  '@bag/tfjs-wasm-training': ['registerTrainingKernels', 'typeof registerTrainingKernels', "'function'"],
  '@bag/tfjs-tensorflow': ['loadTensorFlow', 'typeof loadTensorFlow', "'function'"],
  '@bag/tfjs-webgpu': ['whyNoWebGpu', 'typeof whyNoWebGpu', "'function'"],
  '@bag/tfjs-backend-onednn': ['threads', 'Number.isInteger(threads())', 'true'],
};
const onlyForNode = ['@bag/tfjs-backend-onednn', '@bag/tfjs-tensorflow'];
const imports = Object.entries(uses).map(([name, [symbol, expression, value]]) => ({
  name,
  code: `import { ${symbol} } from '${name}';\nif (${expression} !== ${value}) throw new Error('${name}');`,
}));
const esm = imports.map(({ code }) => code).join('\n');
const browser = imports.filter(({ name }) => !onlyForNode.includes(name)).map(({ code }) => code);
const cjs = Object.entries(uses)
  .map(
    ([name, [symbol, expression, value]]) =>
      `{ const { ${symbol} } = require('${name}'); if (${expression} !== ${value}) throw new Error('${name}'); }`,
  )
  .join('\n');

const subpaths = {
  '@bag/data/node': 'imageFolder',
  '@bag/network/layers': 'toLayersModel',
  '@bag/network/onnx': 'toOnnx',
  '@bag/report/node': 'readRunData',
  '@bag/schedules/tfjs': 'scheduleCallback',
  '@bag/tfjs-tensorflow/setup': 'setUpTensorFlow',
  '@bag/tfjs-webgpu/node': 'startWebGpu',
  '@bag/trainer/node': 'RunFolder',
};
const mustBeFunction = (symbol) => `if (typeof ${symbol} !== 'function') throw new Error('${symbol}');`;
const subpathsEsm = Object.entries(subpaths)
  .map(([path, symbol]) => `import { ${symbol} } from '${path}';\n${mustBeFunction(symbol)}`)
  .join('\n');
const subpathsCjs = Object.entries(subpaths)
  .map(([path, symbol]) => `{ const { ${symbol} } = require('${path}'); ${mustBeFunction(symbol)} }`)
  .join('\n');

try {
  const alone = project('alone', { '@bag/schedules': file(tarballOf['@bag/schedules']) });
  const installed =
    alone === undefined ? [] : readdirSync(join(alone, 'node_modules')).filter((name) => !name.startsWith('.'));
  step(
    `@bag/schedules installs with no other package (${installed.join(', ')})`,
    installed.join() === '@bag' && readdirSync(join(alone, 'node_modules/@bag')).join() === 'schedules',
  );
  if (alone !== undefined) {
    writeFileSync(join(alone, 'all.js'), "export * from '@bag/schedules';");
    const bundle = await build({
      entryPoints: [join(alone, 'all.js')],
      bundle: true,
      minify: true,
      format: 'esm',
      write: false,
    });
    const bytes = bundle.outputFiles[0].contents.length;
    step(`@bag/schedules minified: ${bytes} bytes of at most 3,000`, bytes < 3000);
  }

  const libraries = packed.filter(({ isLibrary }) => isLibrary);
  const own = Object.fromEntries(libraries.map(({ name, tarball }) => [name, file(tarball)]));
  const consumer = project(
    'consumer',
    {
      ...own,
      '@tensorflow/tfjs': version('@tensorflow/tfjs'),
      '@tensorflow/tfjs-backend-wasm': version('@tensorflow/tfjs-backend-wasm'),
      '@tensorflow/tfjs-backend-webgpu': version('@tensorflow/tfjs-backend-webgpu'),
      typescript: version('typescript'),
      '@types/node': version('@types/node'),
    },
    { overrides: own },
  );
  step('all libraries install together from their tarballs', consumer !== undefined);
  if (consumer !== undefined) {
    const node = (name) => runQuietly(process.execPath, [join(consumer, name)], { cwd: consumer }) !== undefined;
    writeFileSync(join(consumer, 'use.mjs'), `import '@tensorflow/tfjs';\n${esm}`);
    step('ESM', node('use.mjs'));
    writeFileSync(join(consumer, 'use.cjs'), `require('@tensorflow/tfjs');\n${cjs}`);
    step('CJS', node('use.cjs'));
    writeFileSync(join(consumer, 'subpaths.mjs'), subpathsEsm);
    step('subpaths, ESM', node('subpaths.mjs'));
    writeFileSync(join(consumer, 'subpaths.cjs'), subpathsCjs);
    step('subpaths, CJS', node('subpaths.cjs'));
    writeFileSync(join(consumer, 'use.ts'), `import '@tensorflow/tfjs';\n${esm}\n${subpathsEsm}\nexport {};\n`);
    for (const [moduleResolution, module] of [
      ['nodenext', 'nodenext'],
      ['bundler', 'esnext'],
    ]) {
      const options = [
        '--noEmit',
        '--strict',
        '--skipLibCheck',
        '--target',
        'es2022',
        '--types',
        'node',
        '--lib',
        'es2023,dom',
        '--module',
        module,
        '--moduleResolution',
        moduleResolution,
      ];
      const tsc = join(consumer, 'node_modules/.bin/tsc');
      step(
        `TypeScript, moduleResolution ${moduleResolution}`,
        runQuietly(tsc, [...options, 'use.ts'], { cwd: consumer }) !== undefined,
      );
    }
    writeFileSync(join(consumer, 'browser.js'), `import '@tensorflow/tfjs';\n${browser.join('\n')}`);
    const bundled = await build({
      entryPoints: [join(consumer, 'browser.js')],
      bundle: true,
      platform: 'browser',
      format: 'esm',
      write: false,
      logLevel: 'error',
    }).catch(() => undefined);
    step('browser bundle, without anything of Node', bundled !== undefined);
  }

  const all = Object.fromEntries(packed.map(({ name, tarball }) => [name, file(tarball)]));
  const application = project('application', { '@bag/cli': all['@bag/cli'] }, { overrides: all });
  const bag = (...args) => runQuietly(join(application, 'node_modules/.bin/bag'), args, { cwd: application }) ?? '';
  step(
    'the command line installs and runs from its tarball',
    application !== undefined && bag('--help').includes('train') && JSON.parse(bag('models', '--json')).length >= 20,
  );
} finally {
  rmSync(base, { recursive: true, force: true });
}
process.exitCode = results.every(Boolean) ? 0 : 1;
