import * as tf from '@tensorflow/tfjs';
import { beforeAll } from 'vitest';
import { describeWinograd } from './fixtures/winograd-suite.js';

beforeAll(async () => {
  await tf.setBackend('onednn');
});

describeWinograd('3×3 convolutions by Winograd, by the widest vectors');
