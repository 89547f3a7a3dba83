import { floats, input, output, type WasmKernel } from './heap.js';

interface SgdAttributes {
  rate: number;
  momentum: number;
  nesterov: boolean;
  weightDecay: number;
  gradientScale: number;
}

/** `BagSgdUpdate` of `@bag/ops`: g' = s·g + λ·p; v' = μ·v + g'; p' = p − η·(g' + μ·v') with Nesterov, else p − η·v'. */
export const sgdUpdate: WasmKernel = (inputs, attributes, backend) => {
  const { rate, momentum, nesterov, weightDecay, gradientScale } = attributes as unknown as SgdAttributes;
  const parameter = input(inputs, 'parameter');
  const next = output(backend, parameter.shape);
  const nextVelocity = output(backend, parameter.shape);
  const p = floats(backend, parameter);
  const g = floats(backend, input(inputs, 'gradient'));
  const v = floats(backend, input(inputs, 'velocity'));
  const to = floats(backend, next);
  const toVelocity = floats(backend, nextVelocity);
  for (let i = 0; i < p.length; i++) {
    const gradient = gradientScale * (g[i] as number) + weightDecay * (p[i] as number);
    const velocity = momentum * (v[i] as number) + gradient;
    toVelocity[i] = velocity;
    to[i] = (p[i] as number) - rate * (nesterov ? gradient + momentum * velocity : velocity);
  }
  return [next, nextVelocity];
};
