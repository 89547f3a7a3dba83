// The arrows between the rooms: they run one way, and this check keeps them so.
const tricks = ['schedules', 'regularizers', 'distill', 'mixed-precision'];

/** What each package may import of the others. */
const mayImport = {
  random: [],
  schedules: [],
  regularizers: [],
  distill: [],
  'mixed-precision': [],
  ops: [],
  network: ['ops'],
  'resnet-variants': ['network'],
  models: ['network', 'resnet-variants'],
  optim: ['ops'],
  data: ['random'],
  'tfjs-wasm-training': [],
  'tfjs-backend-onednn': [],
  'tfjs-tensorflow': [],
  'tfjs-webgpu': [],
  report: [],
  weights: [],
  trainer: [...tricks, 'random', 'ops', 'optim', 'network', 'data', 'weights'],
};

const tests = '\\.test\\.ts$|/fixtures/';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: { pathNot: tests }, to: { couldNotResolve: true } },
    ...Object.entries(mayImport).map(([name, allowed]) => ({
      name: `${name}-imports-only-what-lies-below`,
      severity: 'error',
      from: { path: `^packages/${name}/src`, pathNot: tests },
      to: { path: '^(packages|apps|tools)/', pathNot: `^packages/(${[name, ...allowed].join('|')})/` },
    })),
    {
      name: 'no-deep-imports',
      comment: 'Packages meet through their entries.',
      severity: 'error',
      from: { path: '^(packages|apps)/([^/]+)/src' },
      to: { path: '^packages/([^/]+)/src', pathNot: '^$1/$2/src' },
    },
    {
      name: 'browser-safe',
      comment: "Only `/node` entries, the native backends, tests and the command line may use Node's modules.",
      severity: 'error',
      from: {
        path: '^(packages|apps/browser/src)/',
        pathNot: `${tests}|^packages/[^/]+/src/node(/|\\.ts$)|^packages/tfjs-(backend-onednn|tensorflow)/|/dist/|config\\.ts$|/bench/|/conformance/|/generate\\.mjs$`,
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'node-stays-below-node-entries',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: `${tests}|^packages/[^/]+/src/node(/|\\.ts$)` },
      to: { path: '^packages/[^/]+/src/node(/|\\.ts$)' },
    },
    {
      name: 'tests-stay-out',
      severity: 'error',
      from: { pathNot: `${tests}|^tools/` },
      to: { path: `${tests}|^tools/testing` },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules|/dist/' },
    exclude: { path: '/dist/.*\\.map$|config\\.ts$' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.d.ts'],
    },
  },
};
