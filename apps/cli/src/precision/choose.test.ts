import { mkdir, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { resolveConfig } from '../config/load.js';
import { folder, run, small } from '../fixtures/program.js';
import { newConfig } from '../new-config.js';

const network = ['--model', 'resnet8', '--batch', '8', ...small];

/** What a run of a small network would take, and the last line of what it says. */
function planned(...args: string[]) {
  const { status, stdout, stderr } = run('train', ...network, ...args, '--dry-run', '--json');
  expect(status, stderr).toBe(0);
  const { config, precision: times } = JSON.parse(stdout) as { config: { precision: string }; precision?: string };
  return { precision: config.precision, times, stderr, line: stderr.trimEnd().split('\n').at(-1) ?? '' };
}

/** The engine for processors is there: it stores 16 bits. The others emulate them. */
const stores = (stderr: string) => stderr.startsWith('engine: onednn ');

const savedRun = (out: string) =>
  JSON.parse(readFileSync(join(folder, out, 'config.json'), 'utf8')) as {
    config: { precision: string };
    versions: Record<string, string>;
  };

/** The most that a time was rounded by to be shown. */
const rounding = (shown = '') => (shown.includes('.') ? 0.05 : 0.5);

const measured = /^precision: (bf16|fp32), measured here: ([\d.]+) ms a step, ([\d.]+) in (bf16|fp32)$/;

describe('a run that names no precision', () => {
  test('goes by what is measured, or is fp32 where 16 bits are emulated', () => {
    const { precision, times, stderr, line } = planned();
    if (!stores(stderr)) {
      expect([precision, times, line]).toEqual(['fp32', undefined, 'precision: float32']);
      return;
    }
    const [, taken, own, other, left] = measured.exec(line) ?? [];
    expect([taken, left]).toEqual(precision === 'bf16' ? ['bf16', 'fp32'] : ['fp32', 'bf16']);
    expect(times).toBe(`${precision}: ${own ?? ''} ms a step, ${left ?? ''} ${other ?? ''}`);
    const least = (Number(own) - rounding(own)) / (Number(other) + rounding(other));
    expect(least).toBeLessThanOrEqual(precision === 'bf16' ? 0.95 : 1 / 0.95);
  });

  test('keeps what was measured, and is not measured again where it goes on', () => {
    const { status, stderr } = run('train', ...network, '--epochs', '1', '--out', 'chosen');
    expect(status, stderr).toBe(0);
    const said = stderr.split('\n').filter((line) => line.startsWith('precision: '));
    expect(said).toHaveLength(1);
    const { config, versions } = savedRun('chosen');
    const [, taken, own, other, left] = measured.exec(said[0] ?? '') ?? [];
    if (stores(stderr)) {
      expect(config.precision).toBe(taken);
      expect(versions['precision']).toBe(`${taken ?? ''}: ${own ?? ''} ms a step, ${left ?? ''} ${other ?? ''}`);
    } else expect([config.precision, versions['precision']]).toEqual(['fp32', undefined]);
    const again = run('train', '--resume', '--out', 'chosen');
    expect(again.status, again.stderr).toBe(0);
    expect(again.stderr).not.toContain('measured');
    expect(savedRun('chosen')).toMatchObject({ config, versions });
  });

  test('is fp32 without a measurement where the recipe is the baseline, or the engine emulates 16 bits', () => {
    const baseline = planned('--recipe', 'baseline');
    expect([baseline.precision, baseline.stderr]).toEqual(['fp32', '']);
    const wasm = planned('--backend', 'wasm');
    expect([wasm.precision, wasm.line]).toEqual(['fp32', 'precision: float32']);
  });

  test('keeps that of the run which its folder holds', async () => {
    const out = join(folder, 'begun');
    await mkdir(out);
    const config = resolveConfig({ model: 'resnet8', precision: 'fp16' });
    await writeFile(join(out, 'config.json'), JSON.stringify({ config, classes: [], images: {}, versions: {} }));
    expect((await newConfig([{ model: 'resnet8' }], out)).precision).toBe('fp16');
    expect((await newConfig([{ model: 'resnet8', precision: 'fp32' }], out)).precision).toBe('fp32');
  });
});

describe('a precision that is named', () => {
  test.each([
    ['bf16', ['--precision', 'bf16']],
    ['fp16', ['--set', 'precision=fp16']],
  ])('%s is taken, and its line says what it costs', (name, args) => {
    const { precision, stderr, line } = planned(...args);
    expect(precision).toBe(name);
    if (!stores(stderr)) {
      expect(line).toMatch(/^precision: b?float16, emulated: the engine /);
      return;
    }
    const [, warning, ratio, own, other] =
      new RegExp(
        `^(warning: )?precision: ${name} as asked, ([\\d.]+) × the time of fp32 here \\(([\\d.]+) ms a step, ([\\d.]+) in fp32\\)$`,
      ).exec(line) ?? [];
    // All three are rounded, by a twentieth at most.
    expect(Math.abs(Math.log(Number(ratio) / (Number(own) / Number(other))))).toBeLessThan(0.16);
    if (Number(ratio) >= 1.2) expect(warning).toBe('warning: ');
    if (Number(ratio) <= 1) expect(warning).toBeUndefined();
  });

  test('fp32 is taken and not measured', () => {
    const { precision, stderr } = planned('--precision', 'fp32');
    expect([precision, stderr]).toEqual(['fp32', '']);
  });

  test('is kept with what it costs', () => {
    const { status, stderr } = run('train', ...network, '--epochs', '1', '--precision', 'bf16', '--out', 'named');
    expect(status, stderr).toBe(0);
    const { config, versions } = savedRun('named');
    expect(config.precision).toBe('bf16');
    if (stores(stderr)) expect(versions['precision']).toMatch(/^bf16: [\d.]+ ms a step, fp32 [\d.]+$/);
    else expect(versions['precision']).toBeUndefined();
  });
});
