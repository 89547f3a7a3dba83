import Pbf from 'pbf';

/** What ONNX calls a tensor. */
export interface OnnxTensor {
  name: string;
  dims: readonly number[];
  values: Float32Array;
}

export interface OnnxNode {
  type: string;
  name: string;
  inputs: readonly string[];
  output: string;
  attributes?: Record<string, number | readonly number[]>;
}

/** A value's name and shape; a word stands for an axis of any size. */
export interface OnnxValue {
  name: string;
  shape: readonly (number | string)[];
}

export interface OnnxModel {
  name: string;
  nodes: readonly OnnxNode[];
  tensors: readonly OnnxTensor[];
  input: OnnxValue;
  output: OnnxValue;
  metadata: Readonly<Record<string, string>>;
}

/** Version of the file's format and of the operators, of 2022: what consumers of the last years read. */
const [irVersion, opsetVersion] = [8, 17];
const float = 1;
/** `AttributeProto.AttributeType`. */
const attributeTypes = { float: 1, int: 2, ints: 7 };

// Field numbers below are those of onnx.proto.

/** The bytes of an ONNX file. All numbers of its attributes are integers but `epsilon`'s. */
export function encodeOnnx(model: OnnxModel): Uint8Array {
  const pbf = new Pbf();
  pbf.writeVarintField(1, irVersion);
  pbf.writeStringField(2, 'bag-of-tricks');
  pbf.writeMessage(7, writeGraph, model);
  pbf.writeMessage(8, writeOpset, opsetVersion);
  for (const entry of Object.entries(model.metadata)) pbf.writeMessage(14, writeEntry, entry);
  return pbf.finish();
}

function writeOpset(version: number, pbf?: Pbf): void {
  pbf?.writeVarintField(2, version);
}

function writeEntry([key, value]: [string, string], pbf?: Pbf): void {
  pbf?.writeStringField(1, key);
  pbf?.writeStringField(2, value);
}

function writeGraph({ name, nodes, tensors, input, output }: OnnxModel, pbf?: Pbf): void {
  for (const node of nodes) pbf?.writeMessage(1, writeNode, node);
  pbf?.writeStringField(2, name);
  for (const tensor of tensors) pbf?.writeMessage(5, writeTensor, tensor);
  pbf?.writeMessage(11, writeValue, input);
  pbf?.writeMessage(12, writeValue, output);
}

function writeNode({ type, name, inputs, output, attributes = {} }: OnnxNode, pbf?: Pbf): void {
  for (const input of inputs) pbf?.writeStringField(1, input);
  pbf?.writeStringField(2, output);
  pbf?.writeStringField(3, name);
  pbf?.writeStringField(4, type);
  for (const attribute of Object.entries(attributes)) pbf?.writeMessage(5, writeAttribute, attribute);
}

function writeAttribute([name, value]: [string, number | readonly number[]], pbf?: Pbf): void {
  pbf?.writeStringField(1, name);
  if (typeof value !== 'number') {
    for (const one of value) pbf?.writeVarintField(8, one);
    pbf?.writeVarintField(20, attributeTypes.ints);
  } else if (name === 'epsilon') {
    pbf?.writeFloatField(2, value);
    pbf?.writeVarintField(20, attributeTypes.float);
  } else {
    pbf?.writeVarintField(3, value);
    pbf?.writeVarintField(20, attributeTypes.int);
  }
}

function writeTensor({ name, dims, values }: OnnxTensor, pbf?: Pbf): void {
  for (const dim of dims) pbf?.writeVarintField(1, dim);
  pbf?.writeVarintField(2, float);
  pbf?.writeStringField(8, name);
  pbf?.writeBytesField(9, littleEndian(values));
}

function writeValue({ name, shape }: OnnxValue, pbf?: Pbf): void {
  const writeDim = (dim: number | string, at?: Pbf) => {
    if (typeof dim === 'number') at?.writeVarintField(1, dim);
    else at?.writeStringField(2, dim);
  };
  const writeShape = (dims: readonly (number | string)[], at?: Pbf) => {
    for (const dim of dims) at?.writeMessage(1, writeDim, dim);
  };
  const writeTensorType = (dims: readonly (number | string)[], at?: Pbf) => {
    at?.writeVarintField(1, float);
    at?.writeMessage(2, writeShape, dims);
  };
  const writeType = (dims: readonly (number | string)[], at?: Pbf) => at?.writeMessage(1, writeTensorType, dims);
  pbf?.writeStringField(1, name);
  pbf?.writeMessage(2, writeType, shape);
}

function littleEndian(values: Float32Array): Uint8Array {
  const isLittle = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
  if (isLittle) return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const bytes = new DataView(new ArrayBuffer(values.byteLength));
  for (const [i, value] of values.entries()) bytes.setFloat32(4 * i, value, true);
  return new Uint8Array(bytes.buffer);
}
