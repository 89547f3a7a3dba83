import '@bag/tfjs-wasm-training';
import { describeOnBackends } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { bagRun } from './bag-run.js';
import { comparedSteps, expectSameEnd, expectSameStart } from './fixtures/agreement.js';
import { reference } from './fixtures/reference.js';

const { seed } = reference;

describeOnBackends('the whole bag', (backend) => {
  if (backend === 'cpu') {
    // It takes a minute for the whole run; that its beginning is the reference's says that the reference is up to date.
    test('starts as the reference', async () => {
      const stop = new AbortController();
      const { losses, accuracy } = await bagRun({
        seed,
        signal: stop.signal,
        onEvent: (event) => {
          if (event.kind === 'step' && event.step + 1 === comparedSteps) stop.abort();
        },
      });
      expectSameStart(losses);
      expect(accuracy).toBeUndefined();
    });
    return;
  }

  test('trains as the plain cpu backend does, and leaves nothing alive', async () => {
    const before = tf.memory().numTensors;
    const { losses, accuracy } = await bagRun({ seed });
    expectSameStart(losses);
    expectSameEnd(losses);
    expect(accuracy).toBeCloseTo(reference.accuracy, 1);
    expect(tf.memory().numTensors - before, 'tensors left alive').toBe(0);
  });
});
