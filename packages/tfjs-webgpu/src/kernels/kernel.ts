import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { type DataType, getKernel, type NamedAttrMap, type TensorInfo, util } from '@tensorflow/tfjs-core';

/** A kernel of the WebGPU backend: tensors by name and attributes in, fresh tensors out. */
export type WebGpuKernel = (
  inputs: Record<string, TensorInfo>,
  attributes: Record<string, unknown>,
  backend: WebGPUBackend,
) => TensorInfo | TensorInfo[];

type Program = Parameters<WebGPUBackend['runWebGPUProgram']>[0];

/** A computation of one output, one element per thread. Tensors are flat: `x[i]`, row by row. */
export interface ElementProgram {
  /** Names the shader in the backend's cache: whatever changes the code has to be part of it. */
  name: string;
  shape: number[];
  dtype: DataType;
  inputs: Record<string, TensorInfo>;
  /** Integers that the code finds as `uniforms.<name>`. */
  uniforms?: Record<string, number>;
  /** WGSL: `fn element(index : i32) -> f32` (or `i32`, where the dtype is int32), and what it calls. */
  code: string;
}

const WORKGROUP = 64;

/** Runs a program; the output belongs to the caller. */
export function runElements(
  backend: WebGPUBackend,
  { name, shape, dtype, inputs, uniforms = {}, code }: ElementProgram,
): TensorInfo {
  const size = util.sizeFromShape(shape);
  const program: Program = {
    variableNames: Object.keys(inputs),
    outputShape: [size],
    dispatchLayout: { x: [0] },
    dispatch: [Math.ceil(size / WORKGROUP), 1, 1],
    workgroupSize: [WORKGROUP, 1, 1],
    size: true,
    shaderKey: `bag_${name}_${dtype}`,
    uniforms: Object.keys(uniforms)
      .map((key) => `${key} : i32,`)
      .join(' '),
    getUserCode: () => `
      ${code}
      fn main(index : i32) {
        if (index < uniforms.size) {
          ${dtype === 'int32' ? 'setOutputAtIndexI32(index, i32(element(index)))' : 'setOutputAtIndex(index, element(index))'};
        }
      }`,
  };
  const flat = Object.values(inputs).map((tensor) => ({ ...tensor, shape: [util.sizeFromShape(tensor.shape)] }));
  const numbers = Object.values(uniforms).map((value) => ({ type: 'int32', data: [value] }));
  return { ...backend.runWebGPUProgram(program, flat, dtype, numbers), shape };
}

/** The tensor an input's name stands for; kernels are only called with the inputs that they document. */
export function input(inputs: Record<string, TensorInfo>, name: string): TensorInfo {
  const tensor = inputs[name];
  if (tensor === undefined) throw new Error(`webgpu kernel: input ${name} is missing`);
  return tensor;
}

export function release(backend: WebGPUBackend, ...tensors: TensorInfo[]): void {
  for (const { dataId } of tensors) backend.disposeData(dataId);
}

/** Runs another kernel of the backend; its output belongs to the caller. */
export function call(
  name: string,
  inputs: Record<string, TensorInfo> | TensorInfo[],
  attributes: object,
  backend: WebGPUBackend,
): TensorInfo {
  return getKernel(name, 'webgpu').kernelFunc({
    inputs: inputs as Record<string, TensorInfo>,
    attrs: attributes as NamedAttrMap,
    backend,
  }) as TensorInfo;
}
