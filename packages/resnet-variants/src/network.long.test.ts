import { describeOnBackends } from '@bag/testing';
import { test } from 'vitest';
import { cases, expectAsPyTorch } from './fixtures/networks.js';

// The other engines have them all in network.test.ts; the cpu backend, which is the reference elsewhere, takes its time.
describeOnBackends(
  'networks equal PyTorch’s',
  () => {
    test.each(cases.filter(({ pad }) => !pad))(
      '$family $depth $variant: forward, gradients, statistics',
      expectAsPyTorch,
    );
  },
  ['cpu'],
);
