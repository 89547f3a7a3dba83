import {
  getKernel,
  getKernelsForBackend,
  type KernelConfig,
  type KernelFunc,
  type NamedAttrMap,
  registerKernel,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import type { OnednnBackend } from './backend.js';
import { type Plan, planFor } from './half.js';
import { isNumeric } from './storage.js';

export const backendName = 'onednn';

/** A kernel: tensors by name and attributes in, fresh tensors out. */
export type Kernel<Inputs, Attributes> = (
  inputs: Inputs,
  attributes: Attributes,
  backend: OnednnBackend,
) => TensorInfo | TensorInfo[];

export interface DefineOptions<Inputs, Attributes> {
  /** Whether the native kernel takes these; others go to tfjs-backend-cpu. By default: all but strings, complex numbers and more than 8 axes. */
  takes?: (inputs: Inputs, attributes: Attributes) => boolean;
}

const native = new Set<string>();

/** Registers a native kernel under one of TensorFlow.js' names, or of `@bag/ops`'. */
export function define<Inputs extends object, Attributes extends object = object>(
  kernelName: string,
  kernel: Kernel<Inputs, Attributes>,
  { takes = () => true }: DefineOptions<Inputs, Attributes> = {},
): void {
  native.add(kernelName);
  register(kernelName, (inputs, attrs, backend) => {
    const attributes = attrs as unknown as Attributes;
    const given = inputs as unknown as Inputs;
    if (isNative(inputs) && takes(given, attributes)) {
      try {
        return kernel(given, attributes, backend);
      } catch (error) {
        backend.abandonCall();
        throw error;
      }
    }
    return forward(kernelName, inputs, attrs, backend);
  });
}

type Run = (
  inputs: Record<string, TensorInfo>,
  attrs: NamedAttrMap,
  backend: OnednnBackend,
) => TensorInfo | TensorInfo[];

let depth = 0;

/** Registers a kernel; what it gives is stored in 16 bits where the rules of half.ts say so. */
function register(kernelName: string, run: Run): void {
  const kernelFunc: KernelFunc = ({ inputs, attrs = {}, backend }) => {
    const own = backend as unknown as OnednnBackend;
    const given = inputs as Record<string, TensorInfo>;
    // Kernels that run inside of kernels are left alone: only whole results are rounded.
    const plan = depth === 0 && own.mayHold16Bits ? planFor(kernelName, given, attrs, own) : undefined;
    const before = own.resultFormat;
    own.resultFormat = plan?.outputs?.includes(0) === false ? undefined : plan?.format;
    depth++;
    try {
      return plan === undefined ? run(given, attrs, own) : runIn16Bits(plan, run, given, attrs, own);
    } finally {
      depth--;
      own.resultFormat = before;
    }
  };
  registerKernel({ kernelName, backendName, kernelFunc });
}

/** Operands that are weights: they are rounded once an update. Activations would hold memory until the backward pass. */
const weights = new Set(['filter', 'b']);

function runIn16Bits(
  { format, operands, outputs }: Plan,
  run: Run,
  inputs: Record<string, TensorInfo>,
  attrs: NamedAttrMap,
  backend: OnednnBackend,
): TensorInfo | TensorInfo[] {
  // Some kernels take a list of tensors, which must stay one.
  const rounded = operands.length === 0 ? inputs : { ...inputs };
  const copies: TensorInfo[] = [];
  try {
    for (const [key, half] of operands) {
      const tensor = inputs[key];
      if (tensor?.dtype !== 'float32') continue;
      const copy = weights.has(key) ? backend.weightAsHalf(tensor, half) : backend.asHalf(tensor, half);
      copies.push(copy);
      rounded[key] = copy;
    }
    const results = run(rounded, attrs, backend);
    if (format === undefined) return results;
    [results].flat().forEach(({ dataId, dtype }, i) => {
      if (dtype === 'float32' && (outputs?.includes(i) ?? true)) backend.narrow(dataId, format);
    });
    return results;
  } finally {
    for (const { dataId } of copies) backend.disposeData(dataId);
  }
}

/** As native/tensor.h has it. */
const mostAxes = 8;

function isNative(inputs: Record<string, TensorInfo | null | undefined>): boolean {
  for (const key in inputs) {
    const tensor = inputs[key];
    if (tensor?.dtype !== undefined && (!isNumeric(tensor.dtype) || tensor.shape.length > mostAxes)) return false;
  }
  return true;
}

/** Leaves a call to the kernel of tfjs-backend-cpu. */
export function forward(
  name: string,
  inputs: Record<string, TensorInfo>,
  attrs: object,
  backend: OnednnBackend,
): TensorInfo | TensorInfo[] {
  const config = getKernel(name, 'cpu') as KernelConfig | undefined;
  if (config === undefined) throw new Error(`${name}: neither onednn nor tfjs-backend-cpu takes these arguments`);
  backend.forwarded.set(name, (backend.forwarded.get(name) ?? 0) + 1);
  const outputs = config.kernelFunc({ inputs, attrs: attrs as NamedAttrMap, backend });
  return Array.isArray(outputs) ? outputs.map((one) => backend.adopt(one)) : backend.adopt(outputs);
}

/** Runs another kernel of this backend, native or not. Its outputs belong to the caller. */
export function runKernel(
  name: string,
  inputs: Record<string, TensorInfo>,
  attrs: object,
  backend: OnednnBackend,
): TensorInfo {
  return getKernel(name, backendName).kernelFunc({ inputs, attrs: attrs as NamedAttrMap, backend }) as TensorInfo;
}

/** Registers every kernel of tfjs-backend-cpu that has no native one. */
export function forwardTheRest(): void {
  for (const { kernelName } of getKernelsForBackend('cpu')) {
    if (native.has(kernelName) || kernelName.startsWith('Bag')) continue;
    register(kernelName, (inputs, attrs, backend) => forward(kernelName, inputs, attrs, backend));
  }
}
