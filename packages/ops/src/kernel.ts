import {
  engine,
  getGradient,
  getKernel,
  type GradConfig,
  type NamedAttrMap,
  type NamedTensorMap,
  registerGradient,
  registerKernel,
  type Tensor,
  tidy,
} from '@tensorflow/tfjs-core';

/** What a kernel computes when the engine has none of its own: core operations on tensors. */
export type Composition = (inputs: NamedTensorMap, attributes: object) => Tensor | Tensor[];

/**
 * Runs the kernel `name` on the current backend. If the engine registered none of that name, the composition becomes
 * the backend's kernel, so that one gradient serves every engine.
 */
export function runKernel(
  name: string,
  inputs: NamedTensorMap,
  attributes: object,
  composition: Composition,
): Tensor | Tensor[] {
  const { backendName } = engine();
  if (getKernel(name, backendName) === undefined) {
    registerKernel({
      kernelName: name,
      backendName,
      // Inside a kernel the tape is off, and inputs arrive as the tensors that they are.
      kernelFunc: ({ inputs: tensors, attrs }) => tidy(() => composition(tensors as NamedTensorMap, attrs ?? {})),
    });
  }
  return engine().runKernel(name, inputs, attributes as NamedAttrMap);
}

/** Registers a gradient once, even where a bundler loads both builds of this package. */
export function registerGradientOnce(config: GradConfig): void {
  if (getGradient(config.kernelName) == null) registerGradient(config);
}

/** The tensors of an optional input are simply absent from the map. */
export function present(inputs: Record<string, Tensor | undefined>): NamedTensorMap {
  return Object.fromEntries(Object.entries(inputs).filter(([, tensor]) => tensor !== undefined)) as NamedTensorMap;
}

/**
 * Whether a gradient may dispose `dy` once it has used it: only while no tape records (no second derivatives), and
 * only a tensor that the running `gradients` scope made itself. The caller's own `dy` stays the caller's.
 */
export function mayRelease(dy: Tensor): boolean {
  const { gradientDepth, activeScope } = engine().state;
  return gradientDepth === 0 && activeScope != null && dy.scopeId === activeScope.id;
}
