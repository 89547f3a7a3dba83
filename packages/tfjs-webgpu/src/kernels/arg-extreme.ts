import { reducing } from './axes.js';
import { input, runElements, type WebGpuKernel } from './kernel.js';

/**
 * `ArgMax` (`>`) and `ArgMin` (`<`): the first of equal values. The backend's own takes any of them where there are 32 or
 * more, so that accuracies differ between engines, and compares int32 as float32.
 */
export const argExtreme =
  (better: '>' | '<'): WebGpuKernel =>
  (inputs, attributes, backend) =>
    reducing(backend, input(inputs, 'x'), attributes['axis'] as number, false, ({ x, n, inner, shape }) => {
      const code = `
        fn element(index : i32) -> i32 {
          let base = index / uniforms.inner * uniforms.n * uniforms.inner + index % uniforms.inner;
          var best = 0;
          var value = x[base];
          for (var k = 1; k < uniforms.n; k++) {
            let candidate = x[base + k * uniforms.inner];
            if (candidate ${better} value) {
              value = candidate;
              best = k;
            }
          }
          return best;
        }`;
      const name = better === '>' ? 'argmax' : 'argmin';
      return runElements(backend, { name, shape, dtype: 'int32', inputs: { x }, uniforms: { n, inner }, code });
    });
