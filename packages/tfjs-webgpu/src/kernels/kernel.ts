import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { type DataType, getKernel, type NamedAttrMap, type TensorInfo } from '@tensorflow/tfjs-core';

/** A kernel of the WebGPU backend: tensors by name and attributes in, fresh tensors out. */
export type WebGpuKernel = (
  inputs: Record<string, TensorInfo>,
  attributes: Record<string, unknown>,
  backend: WebGPUBackend,
) => TensorInfo | TensorInfo[];

type Program = Parameters<WebGPUBackend['runWebGPUProgram']>[0];

/** A computation of one output, an element per thread. */
export interface ElementProgram {
  /** Names the shader in the backend's cache: whatever changes the code has to be part of it. */
  name: string;
  outputShape: number[];
  dtype: DataType;
  inputs: Record<string, TensorInfo>;
  /** Numbers that the code finds as `uniforms.<name>`. */
  uniforms: Record<string, { type: 'int32' | 'float32'; data: number[] }>;
  /** WGSL of `fn element(index: i32) -> f32` (or `i32`), and what it calls. */
  code: string;
}

const wgslTypes: Record<string, string> = { int32: 'i32', float32: 'f32' };

/** Runs a program; the output belongs to the caller. */
export function runElementProgram(
  backend: WebGPUBackend,
  { name, outputShape, dtype, inputs, uniforms, code }: ElementProgram,
): TensorInfo {
  const size = outputShape.reduce((a, b) => a * b, 1);
  const workgroup = 64;
  const program: Program = {
    variableNames: Object.keys(inputs),
    // A scalar of its own keeps the dispatch one-dimensional, which the backend folds where it exceeds a limit.
    outputShape,
    dispatchLayout: { x: outputShape.map((_, i) => i) },
    dispatch: [Math.ceil(size / workgroup), 1, 1],
    workgroupSize: [workgroup, 1, 1],
    size: true,
    shaderKey: `bag_${name}`,
    uniforms: Object.entries(uniforms)
      .map(([key, { type, data }]) => `${key} : ${vector(data.length, wgslTypes[type] as string)},`)
      .join(' '),
    getUserCode: () => `
      ${code}
      fn main(index : i32) {
        if (index < uniforms.size) {
          ${dtype === 'int32' ? 'setOutputAtIndexI32' : 'setOutputAtIndex'}(index, element(index));
        }
      }`,
  };
  return backend.runWebGPUProgram(program, Object.values(inputs), dtype, Object.values(uniforms));
}

const vector = (length: number, type: string) => (length === 1 ? type : `vec${length}<${type}>`);

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
  inputs: Record<string, TensorInfo>,
  attributes: object,
  backend: WebGPUBackend,
): TensorInfo {
  return getKernel(name, 'webgpu').kernelFunc({ inputs, attrs: attributes as NamedAttrMap, backend }) as TensorInfo;
}
