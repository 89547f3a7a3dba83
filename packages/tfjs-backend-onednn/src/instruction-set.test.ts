import { expect, test } from 'vitest';
import { failure } from './fixtures/failure.js';
import { info } from './index.js';
import { native } from './native.js';

const isOld = info().oneDnnVersion.startsWith('2.');

/** The values of `dnnl_cpu_isa_t` in oneDNN's header: of 2.6, and of all versions 3 so far. */
const always: [number, string, string][] = [
  [0x0, 'default', ''],
  [0x1, 'sse4.1', ''],
  [0x3, 'avx', ''],
  [0x7, 'avx2', ''],
  [0x27, 'avx512', ''],
  [0x67, 'avx512_vnni', ''],
  [0xe7, 'avx512_bf16', 'AVX-512-BF16'],
];
const old: [number, string, string][] = [
  [0xf, 'avx512_mic', ''],
  [0x1f, 'avx512_mic_4ops', ''],
  [0x3e7, 'amx', 'AMX'],
  [0x407, 'avx2_vnni', ''],
];
const since3: [number, string, string][] = [
  [0xf, 'avx2_vnni', ''],
  [0x1f, 'avx2_vnni_2', ''],
  [0x1ef, 'avx512_fp16', 'AVX-512-BF16'],
  [0xfef, 'amx', 'AMX'],
  [0x1fef, 'amx_fp16', 'AMX'],
  [0x201ff, 'avx10_2', 'AVX-512-BF16'],
  [0x22fff, 'avx10_2_amx_2', 'AMX'],
];

test.each([...always, ...(isOld ? old : since3)])('the set %i is %s', (set, name, ofBfloat16) => {
  expect(native.instructionSetName(set)).toBe(name);
  expect(native.bfloat16Instructions(set)).toBe(ofBfloat16);
});

test('a set that is not known yet is told as the number that it is', () => {
  expect(native.instructionSetName(0x4001ff)).toBe('isa 0x4001ff');
  expect(native.bfloat16Instructions(0x4001ff)).toBe('AVX-512-BF16');
  for (const set of [-1, NaN, 2 ** 31]) expect(failure(() => native.instructionSetName(set))).toBeInstanceOf(TypeError);
});

test('info tells the one in use', () => {
  const { instructionSet, halves } = info();
  expect(instructionSet).toBe(native.instructionSetName(native.instructionSet));
  expect(halves.bfloat16.computedBy ?? '').toBe(native.bfloat16Instructions(native.instructionSet));
  expect(halves.float16.computedBy).toBeNull();
});
