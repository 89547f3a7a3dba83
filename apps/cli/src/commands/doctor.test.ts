import type { HalfSupport } from '@bag/tfjs-backend-onednn';
import { expect, test } from 'vitest';
import { details } from './doctor.js';

const engine = (bfloat16: HalfSupport) =>
  details({
    name: 'onednn',
    available: true,
    threads: 4,
    threadsFrom: 'processors',
    instructionSet: 'avx512_fp16',
    memoryLimitBytes: 3 * 2 ** 30,
    halves: { bfloat16, float16: { computedBy: null, convertedBy: 'F16C' } },
  });

const first =
  'instructions avx512_fp16, threads 4 (from the processors; BAG_NUM_THREADS changes it), tensors take at most 3.0 GiB';
const last = 'fp16: storage only: computed in float32, converted by F16C';

test.each([
  [
    'AVX-512-BF16' as const,
    'bf16: convolutions by AVX-512-BF16; the rest is storage only: computed in float32, converted by shifts',
  ],
  [null, 'bf16: storage only: computed in float32, converted by shifts'],
])('doctor tells in words what computes in 16 bits: %s', (computedBy, line) => {
  expect(engine({ computedBy, convertedBy: 'shifts' })).toEqual([first, line, last]);
});
