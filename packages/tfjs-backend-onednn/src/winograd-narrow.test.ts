import * as tf from '@tensorflow/tfjs';
import { beforeAll, vi } from 'vitest';
import { describeWinograd } from './fixtures/winograd-suite.js';

vi.hoisted(() => {
  process.env['ONEDNN_MAX_CPU_ISA'] = 'AVX2';
});

beforeAll(async () => {
  await tf.setBackend('onednn');
});

describeWinograd('3×3 convolutions by Winograd, by vectors of eight');
