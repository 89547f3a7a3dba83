import type { Tensor } from '@tensorflow/tfjs-core';

/** An attribute of one of TensorFlow's operations. */
export interface Attribute {
  name: string;
  type: number;
  value: unknown;
}

/** What is used of tfjs-node's backend: it runs any of TensorFlow's operations by name. */
export interface NodeBackend {
  binding: Record<'TF_ATTR_INT' | 'TF_ATTR_STRING' | 'TF_ATTR_BOOL' | 'TF_ATTR_TYPE' | 'TF_FLOAT', number>;
  executeSingleOutput(name: string, attributes: Attribute[], inputs: Tensor[]): Tensor;
}

/** A kernel of tfjs-node: it is given tensors, where other backends get descriptions of them. */
export type TensorFlowKernel = (
  inputs: Record<string, Tensor>,
  attributes: Record<string, unknown>,
  backend: NodeBackend,
) => Tensor;

/** Makes attributes in TensorFlow's terms. */
export function attributesFor({ binding }: NodeBackend) {
  return {
    float: (name: string): Attribute => ({ name, type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT }),
    ints: (name: string, value: number[]): Attribute => ({ name, type: binding.TF_ATTR_INT, value }),
    text: (name: string, value: string): Attribute => ({ name, type: binding.TF_ATTR_STRING, value }),
    flag: (name: string, value: boolean): Attribute => ({ name, type: binding.TF_ATTR_BOOL, value }),
  };
}
