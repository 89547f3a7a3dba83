/** Fills a filter or a matrix: `shape` is `[height, width, from, to]`, depthwise `[height, width, channels, 1]`, or `[from, to]`. */
export type Initializer = (shape: readonly number[], random: () => number) => Float32Array;

/**
 * Uniform in [−a, a], a = √(6/(fan_in + fan_out)); the fans include the filter's area.
 * Source: Glorot & Bengio 2010, equation 16.
 * @example
 * const filter = xavierUniform([3, 3, 16, 32], random); // 4608 values
 */
export const xavierUniform: Initializer = (shape, random) => {
  const { fanIn, fanOut, size } = fans(shape);
  const a = Math.sqrt(6 / (fanIn + fanOut));
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = (2 * random() - 1) * a;
  return values;
};

/**
 * Normal with mean 0 and variance 2/fan_out, as the convolutions of torchvision's ResNets start.
 * Source: He et al. 2015 (Delving deep into rectifiers), equation 14.
 * @example
 * const filter = kaimingNormal([3, 3, 16, 32], random); // 4608 values
 */
export const kaimingNormal: Initializer = (shape, random) => {
  const { fanOut, size } = fans(shape);
  const deviation = Math.sqrt(2 / fanOut);
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    values[i] = radius * Math.cos(2 * Math.PI * random()) * deviation;
  }
  return values;
};

function fans(shape: readonly number[]): { fanIn: number; fanOut: number; size: number } {
  const [from = 1, to = 1] = shape.slice(-2);
  const area = shape.slice(0, -2).reduce((a, b) => a * b, 1);
  return { fanIn: area * from, fanOut: area * to, size: area * from * to };
}
