import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folder, run, runWith, small, tiny } from './fixtures/program.js';

interface Doctor {
  cores: number;
  active: string;
  why: string;
  engines: {
    name: string;
    available: boolean;
    version?: string;
    device?: string;
    software?: boolean;
    threads?: number;
    threadsFrom?: string;
    instructionSet?: string;
    memoryLimitBytes?: number;
    halves?: Record<string, { computedBy: string | null; convertedBy: string }>;
    gigaflops?: number;
    reason?: string;
    fix?: string;
  }[];
}

/** What multiplies bfloat16 in the instruction sets that oneDNN tells. */
const multiplies: Record<string, string | null> = {
  ...{
    default: null,
    'sse4.1': null,
    avx: null,
    avx2: null,
    avx2_vnni: null,
    avx2_vnni_2: null,
    avx512: null,
    avx512_vnni: null,
  },
  ...{ avx512_bf16: 'AVX-512-BF16', avx512_fp16: 'AVX-512-BF16', avx10_2: 'AVX-512-BF16' },
  ...{ amx: 'AMX', amx_fp16: 'AMX', avx10_2_amx_2: 'AMX' },
};

test('doctor tells the machine, times each engine that is there, and names the one that auto takes', () => {
  const { stdout } = runWith({ BAG_NUM_THREADS: '1' }, 'doctor', '--json');
  const { cores, active, why, engines } = JSON.parse(stdout) as Doctor;
  expect(cores).toBeGreaterThan(0);
  expect(engines.map(({ name }) => name)).toEqual(['tensorflow-gpu', 'webgpu', 'onednn', 'tensorflow', 'wasm', 'cpu']);
  const gpu = (one: Doctor['engines'][number]) => one.device !== undefined && one.software !== true;
  const choice = engines.filter((one) => one.available && (one.device === undefined || gpu(one)));
  if (choice.some(gpu)) expect(why).toMatch(/GFLOP\/s/);
  else expect(active).toBe(choice[0]?.name);
  expect(why).not.toBe('');
  for (const { name, available, gigaflops, reason, fix, ...rest } of engines) {
    if (!available) {
      expect([reason, fix]).toEqual([expect.stringMatching(/\w/), expect.stringMatching(/\w/)]);
      continue;
    }
    if (rest.software !== true) expect(gigaflops).toBeGreaterThan(0);
    if (name !== 'onednn') continue;
    expect(rest).toMatchObject({ threads: 1, threadsFrom: 'BAG_NUM_THREADS' });
    expect(rest.version).toMatch(/^oneDNN \d+\.\d+\.\d+$/);
    expect(rest.memoryLimitBytes).toBeGreaterThan(0);
    const { instructionSet = '', halves } = rest;
    // A set that is newer than all of these may have anything.
    const isNew = /^isa 0x[0-9a-f]+$/.test(instructionSet);
    if (!isNew) expect(Object.keys(multiplies)).toContain(instructionSet);
    expect(halves).toMatchObject({
      bfloat16: { convertedBy: 'shifts', ...(!isNew && { computedBy: multiplies[instructionSet] }) },
      float16: { computedBy: null, convertedBy: process.arch === 'x64' ? 'F16C' : 'software' },
    });
  }
});

test('a run keeps which engine it was made with, and why', () => {
  const { status, stderr } = run('train', ...tiny, ...small, '--epochs', '1', '--out', 'kept');
  expect(status, stderr).toBe(0);
  const { versions } = JSON.parse(readFileSync(join(folder, 'kept', 'config.json'), 'utf8')) as { versions: object };
  expect(versions).toMatchObject({
    backend: 'wasm',
    engine: expect.stringMatching(/^wasm \(\d/) as string,
    chosen: 'wasm: named',
  });
});

describe('an engine that is missing', () => {
  const none = { BAG_ONEDNN_ADDON: '/nowhere/bag.node' };
  const bench = ['bench', '--model', 'resnet8', '--batch', '2', '--size', '16', '--steps', '1', '--warmup', '0'];

  test('is told by auto, with the command that would add it, and the next one takes its place', () => {
    const { status, stdout, stderr } = runWith(none, ...bench, '--json');
    expect([status, stderr]).toEqual([
      0,
      expect.stringMatching(/^engine: (wasm|tensorflow) \(.*\); onednn is missing: .*npm run/),
    ]);
    expect(stdout).toMatch(/"backend":"(wasm|tensorflow)"/);
  });

  test('has no substitute where it is named', () => {
    const { status, stdout, stderr } = runWith(none, ...bench, '--backend', 'onednn');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: backend onednn is not available: .*\/nowhere.*; build it with "npm run .*"/);
  });

  test.each(['tensorflow-gpu', 'webgpu', 'tensorflow'])('%s named and missing: one line with the fix', (name) => {
    const { status, stdout, stderr } = run(...bench, '--backend', name);
    // Where it is there, it is used.
    if (status === 0) expect(stdout).toContain('images/s');
    else expect([status, stdout, stderr]).toEqual([2, '', expect.stringMatching(missingLine(name))]);
  });
  const missingLine = (name: string) => new RegExp(`^error: backend ${name} is not available: [^;\n]+; [^\n]+\n$`);

  test('is not what a wrong number of threads is answered with', () => {
    const { status, stderr } = runWith({ BAG_NUM_THREADS: 'none' }, ...bench);
    // Where it is missing in earnest, nothing reads the number.
    if (stderr.startsWith('engine: wasm')) return;
    expect([status, stderr]).toEqual([2, expect.stringContaining('BAG_NUM_THREADS: expected a whole number')]);
  });
});

describe('bench', () => {
  const bench = (...more: string[]) =>
    run('bench', '--model', 'resnet8', '--batch', '4', '--size', '16', '--backend', 'wasm', ...more);

  test.each([[[]], [['--precision', 'fp16', '--variant', 'd']], [['--inference']]])('%j', (flags) => {
    const { status, stdout, stderr } = bench('--steps', '3', '--warmup', '1', '--json', ...flags);
    expect(status, stderr).toBe(0);
    const result = JSON.parse(stdout) as {
      imagesPerSecond: number;
      stepMs: number;
      sortedStepMs: number[];
      peakRssMiB: number;
    };
    expect(result).toMatchObject({
      model: 'resnet8',
      variant: flags.includes('d') ? 'd' : 'b',
      batch: 4,
      size: 16,
      precision: flags.includes('fp16') ? 'fp16' : 'fp32',
      inference: flags.includes('--inference'),
      backend: 'wasm',
      threads: 1,
      warmup: 1,
      n: 3,
    });
    const { stepMs, sortedStepMs, imagesPerSecond, peakRssMiB } = result;
    expect(sortedStepMs).toHaveLength(3);
    expect(sortedStepMs).toEqual([...sortedStepMs].sort((a, b) => a - b));
    expect(stepMs).toBe(sortedStepMs[1]);
    expect((imagesPerSecond * stepMs) / 4000).toBeCloseTo(1, 2);
    expect(peakRssMiB).toBeGreaterThan(10);
  });

  test('says it in words, and refuses threads of an engine that has no choice', () => {
    const { stdout } = bench('--steps', '1', '--warmup', '0');
    expect(stdout).toMatch(/^resnet8 b, 4 images of 16 × 16, fp32: training step\n/);
    expect(stdout).toContain('images/s');
    const refused = bench('--threads', '2');
    expect([refused.status, refused.stderr]).toEqual([
      2,
      expect.stringContaining('wasm has no choice of threads; onednn and tensorflow have'),
    ]);
  });
});
