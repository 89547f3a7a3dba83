import type { TensorInfo } from '@tensorflow/tfjs-core';
import { floats, input, output, type WasmKernel } from './heap.js';

/**
 * `BagBatchNormTraining` of `@bag/ops`: y = relu(γ·(x − μ)/√(σ² + ε) + β + residual), with μ and the biased σ² of the
 * batch, in two passes. Sums are in double precision, about the first row, so that a large mean costs no digits.
 */
export const batchNormTraining: WasmKernel = (inputs, attributes, backend) => {
  const { epsilon, relu } = attributes as { epsilon: number; relu: boolean };
  const x = input(inputs, 'x');
  const channels = x.shape.at(-1) as number;
  const y = output(backend, x.shape);
  const mean = output(backend, [channels]);
  const variance = output(backend, [channels]);

  const values = floats(backend, x);
  const means = floats(backend, mean);
  const variances = floats(backend, variance);
  moments(values, means, variances);

  const gamma = floats(backend, input(inputs, 'gamma'));
  const beta = floats(backend, input(inputs, 'beta'));
  const scale = new Float64Array(channels);
  const shift = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    scale[c] = (gamma[c] as number) / Math.sqrt((variances[c] as number) + epsilon);
    shift[c] = (beta[c] as number) - (means[c] as number) * (scale[c] as number);
  }
  const to = floats(backend, y);
  const { residual } = inputs;
  if (residual === undefined) normalise(values, to, scale, shift);
  else normaliseAndAdd(values, floats(backend, residual), to, scale, shift);
  if (relu) rectify(to);
  return [y, mean, variance];
};

// Each loop does one thing with few arrays and no choices inside: that is what the compiler makes fast.

function normalise(x: Float32Array, y: Float32Array, scale: Float64Array, shift: Float64Array): void {
  const channels = scale.length;
  for (let i = 0; i < x.length; i += channels) {
    for (let c = 0; c < channels; c++) y[i + c] = (x[i + c] as number) * (scale[c] as number) + (shift[c] as number);
  }
}

function normaliseAndAdd(
  x: Float32Array,
  residual: Float32Array,
  y: Float32Array,
  scale: Float64Array,
  shift: Float64Array,
): void {
  const channels = scale.length;
  for (let i = 0; i < x.length; i += channels) {
    for (let c = 0; c < channels; c++) {
      y[i + c] = (x[i + c] as number) * (scale[c] as number) + (shift[c] as number) + (residual[i + c] as number);
    }
  }
}

/** max(0, ·), written so that a NaN stays one: the finite check must see it. */
function rectify(y: Float32Array): void {
  for (let i = 0; i < y.length; i++) if ((y[i] as number) < 0) y[i] = 0;
}

function moments(values: Float32Array, means: Float32Array, variances: Float32Array): void {
  const channels = means.length;
  const rows = values.length / channels;
  const origin = Float64Array.from(values.subarray(0, channels));
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  for (let i = 0; i < values.length;) {
    for (let c = 0; c < channels; c++, i++) {
      const value = (values[i] as number) - (origin[c] as number);
      sums[c] = (sums[c] as number) + value;
      squares[c] = (squares[c] as number) + value * value;
    }
  }
  for (let c = 0; c < channels; c++) {
    const mean = (sums[c] as number) / rows;
    means[c] = mean + (origin[c] as number);
    const variance = (squares[c] as number) / rows - mean * mean;
    variances[c] = variance < 0 ? 0 : variance;
  }
}

/**
 * `BagBatchNormTrainingGrad` of `@bag/ops`. With g = dy where y > 0, s = 1/√(σ² + ε), x̂ = (x − μ)·s:
 * dγ = Σ g·x̂, dβ = Σ g, dx = γ·s·(g − mean(g) − x̂·mean(g·x̂)), dresidual = g.
 */
export const batchNormTrainingGrad: WasmKernel = (inputs, attributes, backend) => {
  const { epsilon, relu, residual } = attributes as { epsilon: number; relu: boolean; residual: boolean };
  const dy = input(inputs, 'dy');
  const channels = dy.shape.at(-1) as number;
  const dx = output(backend, dy.shape);
  const dGamma = output(backend, [channels]);
  const dBeta = output(backend, [channels]);
  const outputs: TensorInfo[] = [dx, dGamma, dBeta];
  if (residual) outputs.push(output(backend, dy.shape));

  const dys = floats(backend, dy);
  const xs = floats(backend, input(inputs, 'x'));
  const ys = relu ? floats(backend, input(inputs, 'y')) : undefined;
  const means = floats(backend, input(inputs, 'mean'));
  const variances = floats(backend, input(inputs, 'variance'));
  const gamma = floats(backend, input(inputs, 'gamma'));
  // dx first holds g.
  const g = floats(backend, dx);
  if (ys === undefined) g.set(dys);
  else mask(dys, ys, g);
  if (outputs[3] !== undefined) floats(backend, outputs[3]).set(g);
  const sums = new Float64Array(channels);
  const products = new Float64Array(channels); // Σ g·(x − μ)
  sumsOf(g, xs, means, sums, products);
  const rows = dys.length / channels;
  const ofG = new Float64Array(channels);
  const ofX = new Float64Array(channels);
  const constant = new Float64Array(channels);
  const dGammas = floats(backend, dGamma);
  const dBetas = floats(backend, dBeta);
  for (let c = 0; c < channels; c++) {
    const inverse = 1 / Math.sqrt((variances[c] as number) + epsilon);
    const scale = (gamma[c] as number) * inverse;
    dGammas[c] = (products[c] as number) * inverse;
    dBetas[c] = sums[c] as number;
    ofG[c] = scale;
    ofX[c] = (-scale * inverse * inverse * (products[c] as number)) / rows;
    constant[c] = (-scale * (sums[c] as number)) / rows - (ofX[c] as number) * (means[c] as number);
  }
  combine(g, xs, ofG, ofX, constant);
  return outputs;
};

/** dy where y > 0, else 0. */
function mask(dy: Float32Array, y: Float32Array, g: Float32Array): void {
  for (let i = 0; i < dy.length; i++) g[i] = (y[i] as number) > 0 ? (dy[i] as number) : 0;
}

/** Σ g and Σ g·(x − μ) for each channel. */
function sumsOf(
  g: Float32Array,
  x: Float32Array,
  means: Float32Array,
  sums: Float64Array,
  products: Float64Array,
): void {
  const channels = sums.length;
  for (let i = 0; i < g.length; i += channels) {
    for (let c = 0; c < channels; c++) {
      const value = g[i + c] as number;
      sums[c] = (sums[c] as number) + value;
      products[c] = (products[c] as number) + value * ((x[i + c] as number) - (means[c] as number));
    }
  }
}

/** g ← ofG·g + ofX·x + constant. */
function combine(g: Float32Array, x: Float32Array, ofG: Float64Array, ofX: Float64Array, constant: Float64Array): void {
  const channels = ofG.length;
  for (let i = 0; i < g.length; i += channels) {
    for (let c = 0; c < channels; c++) {
      g[i + c] =
        (ofG[c] as number) * (g[i + c] as number) + (ofX[c] as number) * (x[i + c] as number) + (constant[c] as number);
    }
  }
}
