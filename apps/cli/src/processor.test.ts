import { expect, test } from 'vitest';
import { instructionSets } from './processor.js';

test.each([
  ['linux', 'processor\t: 0\nflags\t\t: fpu sse4_2 fma avx2 amx_bf16 rdrand\n', ['amx_bf16', 'avx2', 'fma', 'sse4_2']],
  ['linux', 'processor\t: 0\nFeatures\t: fp asimd asimdhp bf16 sve crc32\n', ['asimd', 'asimdhp', 'bf16', 'sve']],
  [
    'darwin',
    'machdep.cpu.features: FPU SSE4.2 FMA AVX1.0\nmachdep.cpu.leaf7_features: RDWRFSGS AVX2 BMI1\nhw.optional.f16c: 1\n',
    ['avx', 'avx2', 'f16c', 'fma', 'sse4_2'],
  ],
  [
    'darwin',
    'hw.optional.neon: 1\nhw.optional.arm.FEAT_FP16: 1\nhw.optional.arm.FEAT_BF16: 0\nhw.optional.arm.FEAT_I8MM: 1\n',
    ['asimd', 'asimdhp', 'i8mm'],
  ],
  ['win32', '', []],
])('instruction sets of %s', (platform, text, expected) => {
  expect(instructionSets(platform, text)).toEqual(expected);
});
