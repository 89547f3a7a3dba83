import { conv2d, depthwiseConv2d } from '@bag/ops';
import { describeOnBackends, expectAllClose } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { type HalfFormat, policy, roundArray } from './index.js';

type Matrix = number[][];
const matrix = (rows: number, columns: number, seed: number): Matrix =>
  Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => Math.sin(seed + 3.1 * i + 1.7 * j)));
const transpose = (m: Matrix): Matrix => (m[0] ?? []).map((_, j) => m.map((row) => row[j] as number));
const rounded = (m: Matrix, format: HalfFormat): Matrix =>
  m.map((row) => [...roundArray(Float32Array.from(row), format)]);
/** In double precision. */
const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => transpose(b).map((column) => row.reduce((sum, x, k) => sum + x * (column[k] as number), 0)));
const isRounded = (values: Float32Array, format: HalfFormat) =>
  roundArray(values.slice(), format).every((v, i) => Object.is(v, values[i]));

const formats = ['bfloat16', 'float16'] as const;
const cases = formats.flatMap((format) =>
  [false, true].flatMap((transposeA) => [false, true].map((transposeB) => [format, transposeA, transposeB] as const)),
);

interface Tools {
  /** As a tensor whose values are 16-bit. */
  half: (m: Matrix) => tf.Tensor2D;
  cast: <T>(f: () => T) => T;
}

/** The values of what `f` makes in a step. */
async function inStep(format: HalfFormat, f: (tools: Tools) => tf.Tensor[]): Promise<Float32Array[]> {
  const precision = policy({ dtype: format });
  const cast = <T>(g: () => T) => precision.autocast(g);
  const half = (m: Matrix) => cast(() => tf.matMul<tf.Tensor2D>(tf.tensor2d(m), tf.eye(m[0]?.length ?? 0)));
  const made = precision.step(() => tf.tidy(() => f({ half, cast })));
  const values = await Promise.all(made.map((x) => x.data<'float32'>()));
  tf.dispose(made);
  return values;
}

describeOnBackends('the gradients of a product', () => {
  const dy = matrix(5, 7, 0.4);
  const operands = (transposeA: boolean, transposeB: boolean) => {
    const [a, b] = [matrix(5, 6, 0.1), matrix(6, 7, 0.2)];
    return { a: transposeA ? transpose(a) : a, b: transposeB ? transpose(b) : b };
  };
  /** By the rules of calculus: for y = A·B, dA = dy·Bᵀ and dB = Aᵀ·dy; transposed where the operand was. */
  const expected = ({
    a,
    b,
    d,
    transposeA,
    transposeB,
  }: Record<'a' | 'b' | 'd', Matrix> & Record<'transposeA' | 'transposeB', boolean>) => {
    const [A, B] = [transposeA ? transpose(a) : a, transposeB ? transpose(b) : b];
    const [dA, dB] = [times(d, transpose(B)), times(transpose(A), d)];
    return [transposeA ? transpose(dA) : dA, transposeB ? transpose(dB) : dB].map((m) => m.flat()) as [
      number[],
      number[],
    ];
  };

  test.each(cases)(
    '%s, transposed %s, %s: a master’s are float32, of the rounded operands',
    async (format, transposeA, transposeB) => {
      const { a, b } = operands(transposeA, transposeB);
      for (const dyIsHalf of [true, false]) {
        const actual = await inStep(format, ({ half, cast }) =>
          tf.grads((x, w) => cast(() => tf.matMul(x, w, transposeA, transposeB)))(
            [tf.tensor2d(a), tf.tensor2d(b)],
            dyIsHalf ? half(dy) : tf.tensor2d(dy),
          ),
        );
        const d = dyIsHalf ? rounded(dy, format) : dy;
        const exact = expected({ a: rounded(a, format), b: rounded(b, format), d, transposeA, transposeB });
        actual.forEach((gradient, i) => {
          expectAllClose(gradient, exact[i] as number[], { relative: 1e-6, absolute: 1e-6 });
          expect(isRounded(gradient, format)).toBe(false);
        });
      }
    },
  );

  test.each(cases)('%s, transposed %s, %s: an activation’s are 16-bit, on either side', async (format, transposeA, transposeB) => {
    const { a, b } = operands(transposeA, transposeB);
    const exact = expected({ a: rounded(a, format), b: rounded(b, format), d: rounded(dy, format), transposeA, transposeB });
    for (const halves of [[true, false], [false, true], [true, true]] as const) {
      const actual = await inStep(format, ({ half, cast }) =>
        tf.grads((x, w) => cast(() => tf.matMul(x, w, transposeA, transposeB)))(
          [halves[0] ? half(a) : tf.tensor2d(a), halves[1] ? half(b) : tf.tensor2d(b)],
          half(dy),
        ),
      );
      const unit = format === 'float16' ? 2 ** -11 : 2 ** -8;
      actual.forEach((gradient, i) => {
        expect(isRounded(gradient, format)).toBe(halves[i]);
        const relative = halves[i] === true ? unit : 1e-6;
        expectAllClose(gradient, exact[i] as number[], { relative, absolute: 1e-6 });
      });
    }
  }); // prettier-ignore

  test.each(formats)('%s: of a fused product as dense layers have it', async (format) => {
    const { a, b } = operands(false, false);
    const actual = await inStep(format, ({ half, cast }) =>
      tf.grads((x, w) => cast(() => tf.fused.matMul({ a: x, b: w })))([half(a), tf.tensor2d(b)], half(dy)),
    );
    const exact = expected({
      a: rounded(a, format),
      b: rounded(b, format),
      d: rounded(dy, format),
      transposeA: false,
      transposeB: false,
    });
    expect(actual.map((gradient) => isRounded(gradient, format))).toEqual([true, false]);
    expectAllClose(actual[0] as Float32Array, exact[0], {
      relative: format === 'float16' ? 2 ** -11 : 2 ** -8,
      absolute: 1e-6,
    });
    expectAllClose(actual[1] as Float32Array, exact[1], { relative: 1e-6, absolute: 1e-6 });
  });

  test.each(cases)(
    '%s, transposed %s, %s: a product outside of autocast follows its operands',
    async (format, transposeA, transposeB) => {
      const { a, b } = operands(transposeA, transposeB);
      const [both, mixed] = (await inStep(format, ({ half }) => [
        tf.matMul(half(a), half(b), transposeA, transposeB),
        tf.matMul(half(a), tf.tensor2d(b), transposeA, transposeB),
      ])) as [Float32Array, Float32Array];
      expect([isRounded(both, format), isRounded(mixed, format)]).toEqual([true, false]);
      const [A, B] = [matrix(5, 6, 0.1), matrix(6, 7, 0.2)];
      expectAllClose(mixed, times(rounded(A, format), B).flat(), { relative: 1e-6, absolute: 1e-6 });
    },
  );
});

type Shape = [number, number, number, number];
type Case = [string, Shape, (x: tf.Tensor4D, w: tf.Tensor4D) => tf.Tensor4D];
const depthwise: Case = ['depthwiseConv2d', [3, 3, 2, 2], (x, w) => tf.depthwiseConv2d(x, w, 1, 'same')];
const image = (shape: Shape, seed: number) =>
  tf.tensor4d(matrix(shape[0] * shape[1], shape[2] * shape[3], seed).flat(), shape);

describeOnBackends('the gradients of convolutions', (backend) => {
  test.each<Case>([
    ['conv2d', [3, 3, 2, 4], (x, w) => tf.conv2d(x, w, 1, 'same')],
    ['conv2d of @bag/ops', [3, 3, 2, 4], (x, w) => conv2d(x, w, { padding: 1 })],
    ['depthwiseConv2d of @bag/ops', [3, 3, 2, 1], (x, w) => depthwiseConv2d(x, w, { padding: 1 })],
    ['strided depthwiseConv2d of @bag/ops', [3, 3, 2, 1], (x, w) => depthwiseConv2d(x, w, { padding: 1, strides: 2 })],
    ['fused.conv2d', [3, 3, 2, 4], (x, w) => tf.fused.conv2d({ x, filter: w, strides: 1, pad: 'same' })],
    // Its gradients are kernels that wasm has not.
    ...(backend === 'wasm' ? [] : [depthwise]),
  ])('%s: those of the rounded operands, whatever dy is', async (_, filterShape, f) => {
    const [x, w] = [image([1, 4, 4, 2], 0.3), image(filterShape, 0.7)] as const;
    const round = async <T extends tf.Tensor>(x: T) =>
      tf.tensor(roundArray((await x.data<'float32'>()).slice(), 'bfloat16'), x.shape) as T;
    const operands = [await round(x), await round(w)];
    const dy = tf.tidy(() => image(f(x, w).shape, 0.9));
    const gradients = tf.grads((x, w) => f(x as tf.Tensor4D, w as tf.Tensor4D));
    const actual = await inStep('bfloat16', ({ cast }) =>
      tf.grads((x, w) => cast(() => f(x as tf.Tensor4D, w as tf.Tensor4D)))([x, w], dy),
    );
    const exact = tf.tidy(() => gradients(operands, dy));
    for (const [i, gradient] of actual.entries()) {
      expectAllClose(gradient, (await exact[i]?.data()) as Float32Array, { relative: 1e-6, absolute: 1e-6 });
    }
    tf.dispose([x, w, dy, operands, exact]);
  });

  test.each(formats)('%s, depthwise: of a 16-bit dy, x’s is 16-bit, the filter’s is not', async (format) => {
    const w = matrix(9, 2, 0.7);
    const rows = matrix(16, 2, 0.3);
    const gradients = await inStep(format, ({ half, cast }) => {
      const f = (x: tf.Tensor, filter: tf.Tensor) =>
        cast(() =>
          depthwiseConv2d(tf.reshape(x, [1, 4, 4, 2]), tf.reshape(filter, [3, 3, 2, 1]), { padding: 1, strides: 2 }),
        );
      const y = f(half(rows), tf.tensor2d(w));
      const dy = tf.reshape(half(matrix(4, 2, 0.9)), [1, 2, 2, 2]);
      return [y, ...tf.grads(f)([half(rows), tf.tensor2d(w)], dy)];
    });
    expect(gradients.map((values) => isRounded(values, format))).toEqual([true, true, false]);
  });
});
