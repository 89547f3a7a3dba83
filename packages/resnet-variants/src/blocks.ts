import { type Activation, imagesNode, type Node } from '@bag/network';

export interface BlocksOptions {
  /** Whether a bottleneck strides in its first 1×1 convolution, and both 1×1 have a bias, as gluon's v1 has it. */
  strideFirst: boolean;
  /** Whether the shortcut pools before its 1×1 convolution. */
  averagePoolShortcut: boolean;
  /** Whether shortcuts to more channels have no parameters. */
  padShortcut?: boolean;
}

/** Puts a residual network together, part by part; each continues from the one before. */
export class Blocks {
  readonly nodes: Node[] = [];
  readonly #options: BlocksOptions;

  constructor(options: BlocksOptions) {
    this.#options = options;
  }

  /** Name of the value so far. */
  get last(): string {
    return this.nodes.at(-1)?.name ?? imagesNode;
  }

  conv(
    name: string,
    batchNorm: string,
    size: number,
    stride: number,
    from: number,
    to: number,
    {
      input = this.last,
      activation = 'relu',
      bias = false,
    }: { input?: string; activation?: Activation; bias?: boolean } = {},
  ): void {
    const [kernel, padding] = [[size, size] as const, [(size - 1) / 2, (size - 1) / 2] as const];
    const unit = { name, batchNorm, kernel, stride, padding, from, to, depthwise: false, bias };
    this.nodes.push({ kind: 'conv', name, inputs: [input], unit, activation });
  }

  maxPool(name: string): void {
    this.nodes.push({ kind: 'maxPool', name, inputs: [this.last], size: 3, stride: 2, padding: 1 });
  }

  basic(name: string, from: number, to: number, stride: number): void {
    const input = this.last;
    this.conv(`${name}.conv1`, `${name}.bn1`, 3, stride, from, to);
    this.conv(`${name}.conv2`, `${name}.bn2`, 3, 1, to, to, { activation: 'none' });
    this.#end(name, input, from, to, stride);
  }

  bottleneck(name: string, from: number, inner: number, stride: number): void {
    const input = this.last;
    const first = this.#options.strideFirst;
    this.conv(`${name}.conv1`, `${name}.bn1`, 1, first ? stride : 1, from, inner, { bias: first });
    this.conv(`${name}.conv2`, `${name}.bn2`, 3, first ? 1 : stride, inner, inner);
    this.conv(`${name}.conv3`, `${name}.bn3`, 1, 1, inner, inner * 4, { bias: first, activation: 'none' });
    this.#end(name, input, from, inner * 4, stride);
  }

  /** The shortcut, and the sum of both arms. */
  #end(name: string, input: string, from: number, to: number, stride: number): void {
    const main = this.last;
    const shortcut = this.#shortcut(`${name}.downsample`, input, from, to, stride);
    this.nodes.push({ kind: 'add', name: `${name}.add`, inputs: [main, shortcut], activation: 'relu' });
  }

  /** @returns The name of its value. */
  #shortcut(name: string, input: string, from: number, to: number, stride: number): string {
    if (from === to && stride === 1) return input;
    const { averagePoolShortcut, padShortcut = false } = this.#options;
    if (padShortcut && from !== to) {
      this.nodes.push({ kind: 'padChannels', name, inputs: [input], stride, from, to });
      return name;
    }
    if (!averagePoolShortcut) {
      this.conv(`${name}.0`, `${name}.1`, 1, stride, from, to, { input, activation: 'none' });
      return this.last;
    }
    // The pool takes index 0 of torch's sequence, at stride 1 too, where it is the identity.
    if (stride > 1) {
      const window = { size: stride, stride, padding: 0, ceil: true, countPadding: false };
      this.nodes.push({ kind: 'averagePool', name: `${name}.0`, inputs: [input], ...window });
    }
    const pooled = stride > 1 ? this.last : input;
    this.conv(`${name}.1`, `${name}.2`, 1, 1, from, to, { input: pooled, activation: 'none' });
    return this.last;
  }
}
