import { describe, expect, test } from 'vitest';
import { zipSync } from 'fflate';
import { loadFiles } from './fixtures/load.js';
import { parseTorch } from './torch.js';

const { files, refused } = loadFiles('files.json');
const ofTorch = [...files].filter(([name]) => !name.startsWith('safetensors'));
const text = (...parts: (string | number[])[]) =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...Buffer.from(part, 'latin1')] : part)));
const archive = (pickle: Uint8Array, more: Record<string, Uint8Array> = {}) =>
  zipSync({ 'archive/data.pkl': pickle, ...more }, { level: 0 });

describe('parseTorch', () => {
  test.each(ofTorch)('reads what PyTorch reads: %s', (_name, { bytes, tensors }) => {
    const parsed = parseTorch(bytes);
    expect(Object.keys(parsed.tensors)).toEqual(Object.keys(tensors));
    for (const [name, { shape, values }] of Object.entries(tensors)) {
      expect(parsed.tensors[name]?.shape, name).toEqual(shape);
      expect(parsed.tensors[name]?.values, name).toEqual(values);
    }
  });

  test('reads from any place of a larger buffer', () => {
    const { bytes, tensors } = files.get('legacy, views') ?? expect.fail();
    const larger = new Uint8Array(bytes.length + 3);
    larger.set(bytes, 3);
    expect(parseTorch(larger.subarray(3)).tensors).toEqual(tensors);
  });

  test.each(['zip, checkpoint', 'legacy, checkpoint'])('says what lay beside the state dict: %s', (name) => {
    const { notes } = parseTorch((files.get(name) ?? expect.fail()).bytes);
    expect(notes).toEqual([
      'took state_dict out of the checkpoint',
      'ignored epoch, best_prec1, accuracy, arch, seen, optimizer, scheduler',
    ]);
  });

  test.each([
    ['os.system', 'the pickle asks for posix.system, which is never run: no state dict needs it'],
    ['os.system, legacy', 'the pickle asks for posix.system, which is never run: no state dict needs it'],
    ['eval', 'the pickle asks for __builtin__.eval'],
    [
      'module',
      'the pickle asks for torch.nn.modules.linear.Linear, which is never run: the file is a whole pickled module',
    ],
    [
      'module, legacy',
      'torch.nn.modules.linear.Linear, which is never run: the file is a whole pickled module; save model.state_dict()',
    ],
    ['tensor', 'the file holds a tensor, not a dict of tensors'],
    ['list', 'the file holds a list, not a dict of tensors'],
    ['no tensors', 'the file holds a dict without tensors (epoch)'],
    ['complex', 'the pickle asks for torch.ComplexFloatStorage'],
    ['float8', 'the pickle asks for torch._utils._rebuild_tensor_v3'],
    ['namespace', 'the pickle asks for argparse.Namespace'],
    ['torchscript', 'the file is TorchScript (torch.jit.save)'],
    ['tar', 'the file is a tar archive, as PyTorch wrote before 0.1.10'],
    ['plain pickle', 'the file is a pickle, but not one of torch.save'],
    ['protocol 0', 'the pickle has the opcode DICT, which no state dict needs'],
    ['new object', 'the pickle has the opcode NEWOBJ, which no state dict needs'],
    ['expanded beyond reason', 'up to w the tensors have 10000000000 values, too many for'],
  ])('refuses %s', (name, message) => {
    const bytes = refused.get(name) ?? expect.fail(name);
    expect(() => parseTorch(bytes)).toThrow(message);
  });

  test.each([
    ['an unknown opcode', text([0x80, 2, 0xff]), 'the pickle has the opcode 0xff'],
    ['a pickle without an end', text([0x80, 2], '}'), 'the file ends within the pickle'],
    ['an empty stack', text('0.'), 'takes from an empty stack'],
    ['a mark that is not there', text('}u.'), 'goes back to a mark that is not there'],
    ['a memory that was never filled', text('h', [7], '.'), 'recalls 7'],
    ['a string beyond the file', text('X', [255, 255, 255, 127]), 'the file ends within a string'],
    ['a call of a class of numbers', text('ctorch\nFloatStorage\n)R.'), 'calls torch.FloatStorage'],
    ['a call of a string', text('U', [1], 'a)R.'), 'calls a string'],
    ['attributes of a list', text(']}b.'), 'sets attributes of a list'],
    ['a name by __proto__', text('c__proto__\ntoString\n.'), 'the pickle asks for __proto__.toString'],
    ['a global without end', text('c', 'x'.repeat(2000)), 'names a global by no line'],
    ['protocol 9', text([0x80, 9], '.'), 'the pickle has protocol 9'],
  ])('refuses a pickle with %s', (_name, pickle, message) => {
    expect(() => parseTorch(archive(pickle))).toThrow(message);
  });

  // A tensor of `size` over a storage of `length` floats, from `offset`.
  const tensor = (length: number, offset: number, size: number) =>
    text(
      '}U',
      [1],
      'w',
      'ctorch._utils\n_rebuild_tensor_v2\n(',
      '(U',
      [7],
      'storage',
      'ctorch\nFloatStorage\n',
      'U',
      [1],
      '0',
      'U',
      [3],
      'cpu',
      'J',
      [...new Uint8Array(Int32Array.of(length).buffer)],
      'tQ',
      'J',
      [...new Uint8Array(Int32Array.of(offset).buffer)],
      'J',
      [...new Uint8Array(Int32Array.of(size).buffer)],
      [0x85],
      'K',
      [1, 0x85, 0x89],
      'NtRs.',
    );

  test.each([
    ['beyond its storage', tensor(4, 2, 3), 16, 'a tensor [3] from 2 by [1] lies beyond the 4 elements of storage 0'],
    ['of a negative size', tensor(4, 0, -1), 16, 'a tensor over storage 0 has no whole offset, sizes and strides'],
    ['before its storage', tensor(4, -1, 2), 16, 'a tensor over storage 0 has no whole offset'],
    ['whose storage lacks', tensor(4, 0, 4), undefined, 'the archive lacks archive/data/0'],
    ['whose storage is too short', tensor(4, 0, 4), 12, 'archive/data/0 has 12 bytes, not 4 values of float32'],
    ['whose storage has a negative size', tensor(-4, 0, 4), 12, 'storage 0 has -4 elements'],
    ['of two thousand million values', tensor(2e9, 0, 2e9), 12, 'the tensors have 2000000000 values, too many for'],
  ])('refuses a tensor %s', (_name, pickle, bytes, message) => {
    const more = bytes === undefined ? {} : { 'archive/data/0': new Uint8Array(bytes) };
    expect(() => parseTorch(archive(pickle, more))).toThrow(message);
  });

  test('the same tensor within its storage is read', () => {
    const data = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
    const { tensors } = parseTorch(archive(tensor(4, 1, 3), { 'archive/data/0': data }));
    expect(tensors).toEqual({ w: { shape: [3], values: Float32Array.of(2, 3, 4) } });
  });

  test('a file may name a tensor __proto__', () => {
    const data = new Uint8Array(Float32Array.of(1).buffer);
    const pickle = Buffer.from(tensor(1, 0, 1))
      .toString('latin1')
      .replace('U\x01w', 'U\x09__proto__');
    const { tensors } = parseTorch(archive(text(pickle), { 'archive/data/0': data }));
    expect(Object.keys(tensors)).toEqual(['__proto__']);
  });

  test('a pickle of millions of lists is refused', () => {
    expect(() => parseTorch(archive(new Uint8Array(3_000_000).fill(0x5d)))).toThrow('more than 2000000 operations');
  });

  test('a name of any letters makes a message of one short line', () => {
    const length = [...new Uint8Array(Uint32Array.of(100_000).buffer)];
    const pickle = text('}X', length, '\n\u0000'.repeat(50_000), 'K', [1], 's.');
    expect(() => parseTorch(archive(pickle))).toThrow(/^the file holds a dict without tensors \( \); [^\n]{1,100}$/);
  });

  test('a compressed archive is refused, whatever size it claims', () => {
    const bytes = zipSync({ 'archive/data.pkl': new Uint8Array(10_000) }, { level: 9 });
    expect(() => parseTorch(bytes)).toThrow('archive/data.pkl is compressed');
  });

  test('an archive of something else is refused', () => {
    expect(() => parseTorch(zipSync({ 'arr_0.npy': new Uint8Array(8) }))).toThrow('the zip archive has no data.pkl');
  });

  test('memory doubled again and again is not copied', () => {
    // 200 lists, each twice in the next.
    const doubled = Array.from({ length: 200 }, (_, i) => text('](h', [i], 'h', [i], 'eq', [i + 1]));
    const pickle = text(']q', [0], ...doubled.map((bytes) => [...bytes]), '.');
    expect(() => parseTorch(archive(pickle))).toThrow('the file holds a list');
  });
});
