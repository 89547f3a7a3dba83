import * as tfl from '@tensorflow/tfjs-layers';
import { tensor, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { type Activation, type ConvUnit, imagesNode, type Node } from './architecture.js';
import { foldBatchNorm } from './fold.js';
import type { Network } from './network.js';

export interface LayersModelOptions {
  /** Height and width of the images in pixels; any by default. */
  inputSize?: number;
  /** Whether each BatchNorm becomes part of its convolution: smaller and faster, but no longer to be trained. */
  foldBatchNorm?: boolean;
}

/**
 * The network as a `tf.LayersModel` with the same weights: for `model.fit`, `model.save` and whatever else takes one.
 * Its output are logits. The average pooling of variant D is the stock layer's, whose gradient is off at the edge of
 * feature maps of odd size: train at an `inputSize` whose halves stay even, such as 32, 224 or 256.
 *
 * @returns A model that owns copies of the weights.
 * @throws Error for an average pooling that no stock layer has; those of the networks of this repository have one.
 * @example
 * const model = toLayersModel(network);
 * await model.save('file://model');
 */
export function toLayersModel(
  network: Network,
  { inputSize, foldBatchNorm: fold = false }: LayersModelOptions = {},
): tfl.LayersModel {
  const { architecture } = network;
  const size = inputSize ?? null;
  const input = tfl.input({ shape: [size, size, 3], name: imagesNode });
  const values = new Map<string, tfl.SymbolicTensor>([[imagesNode, input]]);
  let x = input;
  for (const node of architecture.nodes) {
    const inputs = node.inputs.map((name) => values.get(name) as tfl.SymbolicTensor);
    x = nodeLayers(node, inputs, { fold, epsilon: architecture.epsilon });
    values.set(node.name, x);
  }
  const { name, dropout } = architecture.head;
  x = call(tfl.layers.globalAveragePooling2d({ name: 'pool' }), x);
  if (dropout > 0) x = call(tfl.layers.dropout({ rate: dropout, name: 'dropout' }), x);
  x = call(tfl.layers.dense({ units: architecture.classes, name }), x);
  const model = tfl.model({ inputs: input, outputs: x, name: architecture.name });
  copyWeights(network, model, fold);
  return model;
}

interface Style {
  fold: boolean;
  epsilon: number;
}

function nodeLayers(node: Node, inputs: tfl.SymbolicTensor[], style: Style): tfl.SymbolicTensor {
  const [x] = inputs as [tfl.SymbolicTensor];
  const name = layerName(node.name);
  switch (node.kind) {
    case 'conv':
      return activated(unitLayers(x, node.unit, style), node.activation, name);
    case 'add':
      return activated(tfl.layers.add({ name }).apply(inputs) as tfl.SymbolicTensor, node.activation, name);
    case 'concat':
      return tfl.layers.concatenate({ name }).apply(inputs) as tfl.SymbolicTensor;
    case 'maxPool': {
      const { size: poolSize, stride: strides, padding } = node;
      // Zeros are no maximum of what follows a ReLU.
      return call(
        tfl.layers.maxPooling2d({ poolSize, strides, padding: 'valid', name }),
        padded(x, [padding, padding], name),
      );
    }
    case 'averagePool': {
      const { size: poolSize, stride: strides, padding, ceil, countPadding } = node;
      // `same` counts no padding, and takes a last window that is not full; whether it has the same windows depends.
      const isTiled = strides === poolSize && padding === 0;
      const keepsSize = strides === 1 && 2 * padding === poolSize - 1;
      if (isTiled ? ceil : !countPadding && keepsSize) {
        return call(tfl.layers.averagePooling2d({ poolSize, strides, padding: 'same', name }), x);
      }
      if ((!countPadding && padding > 0) || (ceil && strides > 1)) {
        throw new Error(`toLayersModel: no stock layer pools as ${node.name} does, at the images' edges`);
      }
      const wide = padded(x, [padding, padding], name);
      return call(tfl.layers.averagePooling2d({ poolSize, strides, padding: 'valid', name }), wide);
    }
    case 'padChannels': {
      // No stock layer pads channels: a fixed 1×1 convolution whose filter copies each channel to its place.
      const options = { filters: node.to, kernelSize: 1, strides: node.stride, useBias: false, trainable: false, name };
      return call(tfl.layers.conv2d(options), x);
    }
  }
}

function call(layer: { apply(x: tfl.SymbolicTensor): unknown }, x: tfl.SymbolicTensor): tfl.SymbolicTensor {
  return layer.apply(x) as tfl.SymbolicTensor;
}

function activated(x: tfl.SymbolicTensor, activation: Activation, name: string): tfl.SymbolicTensor {
  if (activation === 'none') return x;
  return call(tfl.layers.reLU({ name: `${name}_relu`, ...(activation === 'relu6' && { maxValue: 6 }) }), x);
}

/** Padding of its own, since `same` pads even images differently from torch. */
function padded(x: tfl.SymbolicTensor, [rows, columns]: readonly [number, number], name: string): tfl.SymbolicTensor {
  if (rows === 0 && columns === 0) return x;
  const padding: [[number, number], [number, number]] = [
    [rows, rows],
    [columns, columns],
  ];
  return call(tfl.layers.zeroPadding2d({ padding, name: `${name}_pad` }), x);
}

function unitLayers(x: tfl.SymbolicTensor, unit: ConvUnit, { fold, epsilon }: Style): tfl.SymbolicTensor {
  const { batchNorm, kernel, stride: strides, padding, to: filters, depthwise, bias } = unit;
  const name = layerName(unit.name);
  const options = { kernelSize: [...kernel], strides, padding: 'valid' as const, useBias: bias || fold, name };
  const convolution = depthwise
    ? tfl.layers.depthwiseConv2d({ ...options, kernelSize: [kernel[0], kernel[1]] })
    : tfl.layers.conv2d({ ...options, filters });
  const convolved = call(convolution, padded(x, padding, name));
  if (fold) return convolved;
  return call(tfl.layers.batchNormalization({ epsilon, momentum: 0.9, name: layerName(batchNorm) }), convolved);
}

/** Layer names hold no dots: they become paths and scopes. */
function layerName(name: string): string {
  return name.replaceAll('.', '_');
}

function copyWeights({ architecture, parameters }: Network, model: tfl.LayersModel, fold: boolean): void {
  const { nodes, head } = architecture;
  const variables = new Map<string, Tensor>(parameters.map(({ name, variable }) => [name, variable]));
  const parameter = (name: string) => variables.get(name) as Tensor;
  const set = (layer: string, weights: Tensor[]) => model.getLayer(layerName(layer)).setWeights(weights);
  tidy(() => {
    for (const node of nodes) {
      if (node.kind === 'padChannels') set(node.name, [identityFilter(node)]);
      if (node.kind !== 'conv') continue;
      const { name, batchNorm, bias } = node.unit;
      if (fold) {
        const folded = foldBatchNorm(node.unit, architecture, parameter);
        set(name, [folded.filter, folded.bias]);
      } else {
        set(name, [parameter(`${name}.weight`), ...(bias ? [parameter(`${name}.bias`)] : [])]);
        const parts = ['weight', 'bias', 'running_mean', 'running_var'];
        set(
          batchNorm,
          parts.map((part) => parameter(`${batchNorm}.${part}`)),
        );
      }
    }
    set(head.name, [parameter(`${head.name}.weight`), parameter(`${head.name}.bias`)]);
  });
}

/** `[1, 1, from, to]`: as many new channels before as after the old ones. */
function identityFilter({ from, to }: Extract<Node, { kind: 'padChannels' }>): Tensor {
  const before = Math.floor((to - from) / 2);
  const values = new Float32Array(from * to);
  for (let c = 0; c < from; c++) values[c * to + before + c] = 1;
  return tensor(values, [1, 1, from, to]);
}
