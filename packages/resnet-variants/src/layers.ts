import * as tfl from '@tensorflow/tfjs-layers';
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { ConvUnit, Shortcut } from './architecture.js';
import type { ResNet } from './network.js';

/**
 * The network as a `tf.LayersModel` with the same weights: for `model.fit`, `model.save` and whatever else takes one.
 * Its output are logits. The average pooling of variant D is the stock layer's, whose gradient is off at the edge of
 * feature maps of odd size: train at an `inputSize` whose halves stay even, such as 32, 224 or 256.
 *
 * @param inputSize Height and width of the images in pixels; any by default.
 * @returns A model that owns copies of the weights.
 * @throws Error for the parameter-free shortcut, which no stock layer expresses.
 * @example
 * const model = toLayersModel(network);
 * await model.save('file://model');
 */
export function toLayersModel(network: ResNet, { inputSize }: { inputSize?: number } = {}): tfl.LayersModel {
  const { architecture } = network;
  const size = inputSize ?? null;
  const input = tfl.input({ shape: [size, size, 3], name: 'images' });
  let x = input;
  for (const unit of architecture.stem) x = relu(unitLayers(x, unit), unit.name);
  if (architecture.maxPool) {
    x = call(tfl.layers.zeroPadding2d({ padding: 1, name: 'stem_pad' }), x);
    x = call(tfl.layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'valid', name: 'stem_pool' }), x);
  }
  for (const { name, units, shortcut } of architecture.blocks) {
    let y = x;
    for (const [i, unit] of units.entries()) {
      y = unitLayers(y, unit);
      if (i < units.length - 1) y = relu(y, unit.name);
    }
    const sum = tfl.layers.add({ name: layerName(name, 'add') }).apply([y, shortcutLayers(x, shortcut, name)]);
    x = relu(sum as tfl.SymbolicTensor, name);
  }
  x = call(tfl.layers.globalAveragePooling2d({ name: 'pool' }), x);
  x = call(tfl.layers.dense({ units: architecture.classes, name: 'fc' }), x);
  const model = tfl.model({ inputs: input, outputs: x, name: architecture.name });
  copyWeights(network, model);
  return model;
}

function call(layer: { apply(x: tfl.SymbolicTensor): unknown }, x: tfl.SymbolicTensor): tfl.SymbolicTensor {
  return layer.apply(x) as tfl.SymbolicTensor;
}

function relu(x: tfl.SymbolicTensor, name: string): tfl.SymbolicTensor {
  return call(tfl.layers.reLU({ name: layerName(name, 'relu') }), x);
}

function unitLayers(x: tfl.SymbolicTensor, unit: ConvUnit): tfl.SymbolicTensor {
  const { name, batchNorm, kernel, stride, padding, to, bias } = unit;
  // Padding of its own, since `same` pads even images differently.
  const padded = padding === 0 ? x : call(tfl.layers.zeroPadding2d({ padding, name: layerName(name, 'pad') }), x);
  const convolved = call(
    tfl.layers.conv2d({
      filters: to,
      kernelSize: kernel,
      strides: stride,
      padding: 'valid',
      useBias: bias,
      name: layerName(name),
    }),
    padded,
  );
  return call(tfl.layers.batchNormalization({ epsilon: 1e-5, momentum: 0.9, name: layerName(batchNorm) }), convolved);
}

function shortcutLayers(x: tfl.SymbolicTensor, shortcut: Shortcut, name: string): tfl.SymbolicTensor {
  switch (shortcut.kind) {
    case 'identity':
      return x;
    case 'projection': {
      const { pool } = shortcut;
      const pooled =
        pool === 1
          ? x
          : call(
              tfl.layers.averagePooling2d({
                poolSize: pool,
                strides: pool,
                padding: 'same',
                name: layerName(name, 'pool'),
              }),
              x,
            );
      return unitLayers(pooled, shortcut.unit);
    }
    case 'pad':
      throw new Error("toLayersModel: no stock layer pads channels; use shortcut 'projection'");
  }
}

/** Layer names hold no dots: they become paths and scopes. */
function layerName(name: string, suffix = ''): string {
  return `${name.replaceAll('.', '_')}${suffix === '' ? '' : `_${suffix}`}`;
}

const order = ['weight', 'bias', 'running_mean', 'running_var'];

function copyWeights(network: ResNet, model: tfl.LayersModel): void {
  const byLayer = new Map<string, Tensor[]>();
  for (const suffix of order) {
    for (const { name, variable } of network.parameters) {
      const at = name.lastIndexOf('.');
      if (name.slice(at + 1) !== suffix) continue;
      const layer = layerName(name.slice(0, at));
      byLayer.set(layer, [...(byLayer.get(layer) ?? []), variable]);
    }
  }
  tidy(() => {
    for (const [layer, weights] of byLayer) model.getLayer(layer).setWeights(weights);
  });
}
