import * as tf from '@tensorflow/tfjs';
import Pbf from 'pbf';
import { expect, test } from 'vitest';
import { everyKind, filledNetwork } from './fixtures/every-kind.js';
import { toOnnx } from './onnx.js';

// Whether its logits are right, ONNX Runtime tells in the tests of `@bag/models`, which has the networks.

interface Fields {
  ir?: number;
  opset?: number;
  producer?: string;
  metadata: Record<string, string>;
}

/** What stands beside the graph, by the field numbers of onnx.proto's `ModelProto`. */
function read(file: Uint8Array): Fields {
  const fields: Fields = { metadata: {} };
  new Pbf(file).readFields((tag, result, pbf) => {
    if (tag === 1) result.ir = pbf.readVarint();
    if (tag === 2) result.producer = pbf.readString();
    if (tag === 8) {
      pbf.readMessage((inner, _, at) => {
        if (inner === 2) result.opset = at.readVarint();
      }, {});
    }
    if (tag !== 14) return;
    const [key, value] = pbf.readMessage<string[]>((inner, entry, at) => {
      entry[inner - 1] = at.readString();
    }, []) as [string, string];
    result.metadata[key] = value;
  }, fields);
  return fields;
}

test('the file says its versions, and what it was given to say', async () => {
  await tf.setBackend('cpu');
  const metadata = { classes: '["café","∞"]', empty: '' };
  const file = await toOnnx(filledNetwork(everyKind), { metadata });
  expect(read(file)).toEqual({ ir: 8, opset: 17, producer: 'bag-of-tricks', metadata });
  expect(read(await toOnnx(filledNetwork(everyKind))).metadata).toEqual({});
});
