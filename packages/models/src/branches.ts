import type { Node, Pair } from '@bag/network';

type Kernel = number | Pair;

const pairOf = (kernel: Kernel): Pair => (typeof kernel === 'number' ? [kernel, kernel] : kernel);

/** Puts a network of branches together; each part returns the name of its value. */
export class Branches {
  readonly nodes: Node[] = [];
  readonly #channels = new Map<string, number>([['images', 3]]);

  channelsOf(name: string): number {
    return this.#channels.get(name) ?? 0;
  }

  /** A convolution, named as torchvision's `BasicConv2d`; padded so that the size stays, unless told otherwise. */
  conv(
    name: string,
    input: string,
    to: number,
    size: Kernel,
    { stride = 1, padding }: { stride?: number; padding?: number } = {},
  ): string {
    const kernel = pairOf(size);
    const sides: Pair = padding === undefined ? [(kernel[0] - 1) / 2, (kernel[1] - 1) / 2] : [padding, padding];
    const [unitName, batchNorm, from] = [`${name}.conv`, `${name}.bn`, this.channelsOf(input)];
    const unit = { name: unitName, batchNorm, kernel, stride, padding: sides, from, to, depthwise: false, bias: false };
    return this.#add({ kind: 'conv', name, inputs: [input], unit, activation: 'relu' }, to);
  }

  /** Convolutions in a row, numbered from 1. */
  chain(prefix: string, input: string, parts: readonly (readonly [to: number, size: Kernel])[]): string {
    return parts.reduce((x, [to, size], i) => this.conv(`${prefix}${i + 1}`, x, to, size), input);
  }

  /** The mean of each 3×3 window, zeros beyond the edge counted, then a 1×1 convolution. */
  pooled(name: string, input: string, to: number): string {
    const window = { size: 3, stride: 1, padding: 1, ceil: false, countPadding: true };
    const mean = { kind: 'averagePool', name: `${name}.mean`, inputs: [input], ...window } as const;
    return this.conv(name, this.#add(mean, this.channelsOf(input)), to, 1);
  }

  /** The largest of each 3×3 window, 2 apart. */
  maxPool(name: string, input: string): string {
    const node = { kind: 'maxPool', name, inputs: [input], size: 3, stride: 2, padding: 0 } as const;
    return this.#add(node, this.channelsOf(input));
  }

  concat(name: string, inputs: readonly string[]): string {
    const channels = inputs.reduce((sum, input) => sum + this.channelsOf(input), 0);
    return this.#add({ kind: 'concat', name, inputs }, channels);
  }

  #add(node: Node, channels: number): string {
    this.nodes.push(node);
    this.#channels.set(node.name, channels);
    return node.name;
  }
}
