import type { Tensor } from '@tensorflow/tfjs-core';

/** An attribute of one of TensorFlow's operations. */
export interface Attribute {
  name: string;
  type: number;
  value: unknown;
}

/** What is used of tfjs-node's backend: it runs any of TensorFlow's operations by name. */
export interface NodeBackend {
  binding: Record<
    'TF_ATTR_INT' | 'TF_ATTR_FLOAT' | 'TF_ATTR_STRING' | 'TF_ATTR_BOOL' | 'TF_ATTR_TYPE' | 'TF_FLOAT',
    number
  >;
  /** Whether it computes on a GPU. */
  isUsingGpuDevice: boolean;
  executeSingleOutput(name: string, attributes: Attribute[], inputs: Tensor[]): Tensor;
  executeMultipleOutputs(name: string, attributes: Attribute[], inputs: Tensor[], count: number): Tensor[];
}

/** A kernel of tfjs-node: it is given tensors, where other backends get descriptions of them. */
export type TensorFlowKernel<Result = Tensor> = (
  inputs: Record<string, Tensor>,
  attributes: Record<string, unknown>,
  backend: NodeBackend,
) => Result;

/** Makes attributes in TensorFlow's terms. */
export function attributesFor({ binding }: NodeBackend) {
  return {
    float: (name: string): Attribute => ({ name, type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT }),
    ints: (name: string, value: number[]): Attribute => ({ name, type: binding.TF_ATTR_INT, value }),
    real: (name: string, value: number): Attribute => ({ name, type: binding.TF_ATTR_FLOAT, value }),
    text: (name: string, value: string): Attribute => ({ name, type: binding.TF_ATTR_STRING, value }),
    flag: (name: string, value: boolean): Attribute => ({ name, type: binding.TF_ATTR_BOOL, value }),
  };
}
