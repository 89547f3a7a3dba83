import { dispose, type Tensor, tidy, transpose } from '@tensorflow/tfjs-core';
import { type Activation, type ConvUnit, imagesNode, type Node } from './architecture.js';
import { foldBatchNorm } from './fold.js';
import type { Network } from './network.js';
import { encodeOnnx, type OnnxNode, type OnnxTensor } from './onnx-file.js';

export interface OnnxOptions {
  /** Height and width of the images in pixels; any by default. */
  inputSize?: number | undefined;
  /** Whether each BatchNorm becomes part of its convolution. */
  foldBatchNorm?: boolean | undefined;
  /** Entries of the file's `metadata_props`, such as the names of the classes. */
  metadata?: Readonly<Record<string, string>>;
}

/**
 * The network as an ONNX file, opset 17: input `images` `[batch, 3, height, width]`, normalised as in training; output
 * `logits` `[batch, classes]`. Inference only.
 *
 * @returns The file's bytes.
 * @example
 * await writeFile('network.onnx', await toOnnx(network, { foldBatchNorm: true }));
 */
export async function toOnnx(
  network: Network,
  { inputSize, foldBatchNorm: fold = false, metadata = {} }: OnnxOptions = {},
): Promise<Uint8Array> {
  const { architecture, parameters } = network;
  const graph = new OnnxGraph(new Map(parameters.map(({ name, variable }) => [name, variable])), fold);
  for (const node of architecture.nodes) await graph.add(node, architecture);
  await graph.addHead(architecture.nodes.at(-1)?.name ?? imagesNode, architecture.head.name);
  return encodeOnnx({
    name: architecture.name,
    nodes: graph.nodes,
    tensors: graph.tensors,
    input: { name: imagesNode, shape: ['batch', 3, inputSize ?? 'height', inputSize ?? 'width'] },
    output: { name: 'logits', shape: ['batch', architecture.classes] },
    metadata,
  });
}

const square = (n: number) => [n, n];
const sides = (n: number) => [n, n, n, n];

class OnnxGraph {
  readonly nodes: OnnxNode[] = [];
  readonly tensors: OnnxTensor[] = [];
  readonly #parameters: ReadonlyMap<string, Tensor>;
  readonly #fold: boolean;

  constructor(parameters: ReadonlyMap<string, Tensor>, fold: boolean) {
    this.#parameters = parameters;
    this.#fold = fold;
  }

  /** Appends what gives a node's value under its name. */
  async add(node: Node, architecture: Network['architecture']): Promise<void> {
    const { name, inputs } = node;
    switch (node.kind) {
      case 'conv': {
        const plain = node.activation === 'none' ? name : `${name}.norm`;
        await this.#unit(node.unit, inputs, plain, architecture);
        this.#activation(plain, node.activation, name);
        break;
      }
      case 'add': {
        const plain = node.activation === 'none' ? name : `${name}.sum`;
        this.#node('Add', inputs, plain);
        this.#activation(plain, node.activation, name);
        break;
      }
      case 'concat':
        this.#node('Concat', inputs, name, { axis: 1 });
        break;
      case 'maxPool': {
        const { size, stride, padding } = node;
        const window = { kernel_shape: square(size), strides: square(stride), pads: sides(padding) };
        this.#node('MaxPool', inputs, name, window);
        break;
      }
      case 'averagePool': {
        const { size, stride, padding, ceil, countPadding } = node;
        const window = { kernel_shape: square(size), strides: square(stride), pads: sides(padding) };
        const edge = { ceil_mode: Number(ceil), count_include_pad: Number(countPadding) };
        this.#node('AveragePool', inputs, name, { ...window, ...edge });
        break;
      }
      case 'padChannels':
        this.#padChannels(node);
        break;
    }
  }

  async addHead(input: string, name: string): Promise<void> {
    this.#node('GlobalAveragePool', [input], 'pool');
    this.#node('Flatten', ['pool'], 'features');
    await this.#parameter(`${name}.weight`);
    await this.#parameter(`${name}.bias`);
    this.#node('Gemm', ['features', `${name}.weight`, `${name}.bias`], 'logits');
  }

  #node(type: string, inputs: readonly string[], output: string, attributes: OnnxNode['attributes'] = {}): void {
    this.nodes.push({ type, name: output, inputs, output, attributes });
  }

  #activation(input: string, activation: Activation, output: string): void {
    if (activation === 'relu') this.#node('Relu', [input], output);
    if (activation !== 'relu6') return;
    for (const [name, value] of [
      ['zero', 0],
      ['six', 6],
    ] as const) {
      if (this.tensors.some((tensor) => tensor.name === name)) continue;
      this.tensors.push({ name, dims: [], values: Float32Array.of(value) });
    }
    this.#node('Clip', [input, 'zero', 'six'], output);
  }

  async #unit(
    unit: ConvUnit,
    inputs: readonly string[],
    output: string,
    architecture: Network['architecture'],
  ): Promise<void> {
    const { name, batchNorm, kernel, stride, padding, depthwise, from, bias } = unit;
    const attributes = {
      kernel_shape: kernel,
      strides: square(stride),
      pads: [...padding, ...padding],
      group: depthwise ? from : 1,
    };
    const operands = [...inputs, `${name}.weight`, ...(bias || this.#fold ? [`${name}.bias`] : [])];
    if (this.#fold) {
      const folded = foldBatchNorm(unit, architecture, (parameter) => this.#get(parameter));
      await this.#tensor(`${name}.weight`, folded.filter, depthwise);
      await this.#tensor(`${name}.bias`, folded.bias);
      dispose(folded);
      this.#node('Conv', operands, output, attributes);
      return;
    }
    await this.#parameter(`${name}.weight`, depthwise);
    if (bias) await this.#parameter(`${name}.bias`);
    this.#node('Conv', operands, `${name}.value`, attributes);
    const parts = ['weight', 'bias', 'running_mean', 'running_var'].map((part) => `${batchNorm}.${part}`);
    for (const part of parts) await this.#parameter(part);
    this.#node('BatchNormalization', [`${name}.value`, ...parts], output, { epsilon: architecture.epsilon });
  }

  /** A 1×1 convolution whose filter copies each channel to its place. */
  #padChannels({ name, inputs, stride, from, to }: Extract<Node, { kind: 'padChannels' }>): void {
    const before = Math.floor((to - from) / 2);
    const values = new Float32Array(to * from);
    for (let c = 0; c < from; c++) values[(before + c) * from + c] = 1;
    this.tensors.push({ name: `${name}.weight`, dims: [to, from, 1, 1], values });
    this.#node('Conv', [...inputs, `${name}.weight`], name, { kernel_shape: [1, 1], strides: square(stride) });
  }

  #get(name: string): Tensor {
    const found = this.#parameters.get(name);
    if (found === undefined) throw new Error(`toOnnx: parameter ${name} is missing`);
    return found;
  }

  #parameter(name: string, depthwise = false): Promise<void> {
    return this.#tensor(name, this.#get(name), depthwise);
  }

  /** Filters as ONNX has them: `[to, from, height, width]`, depthwise `[channels, 1, height, width]`. */
  async #tensor(name: string, tensor: Tensor, depthwise = false): Promise<void> {
    const arranged = tidy(() =>
      tensor.rank === 4 ? transpose(tensor, depthwise ? [2, 3, 0, 1] : [3, 2, 0, 1]) : tensor,
    );
    const values = (await arranged.data()) as Float32Array;
    this.tensors.push({ name, dims: arranged.shape, values: new Float32Array(values) });
    if (arranged !== tensor) arranged.dispose();
  }
}
