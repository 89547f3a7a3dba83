import process from 'node:process';
import { EngineError } from '../engine-error.js';

/** A wheel on PyPI, by version and, where one is known, checksum. */
export interface Wheel {
  name: string;
  version: string;
  sha256?: string;
}

const version = '2.18.1';
const processors: Record<string, Wheel> = {
  x64: {
    name: 'tensorflow-cpu',
    version,
    sha256: '8e0f27dbd92c6d380ae0ccfe73c7343f65c127b0aa98467c30c2e71eda7c76a4',
  },
  arm64: { name: 'tensorflow', version, sha256: '1ba52b9c06ab8102b31e50acfaf56899b923171e603c8942f2bfeb181d6bb59e' },
};
const cuda: Record<string, Wheel> = {
  x64: { name: 'tensorflow', version, sha256: '442d2a774811789a8ad948e7286cb950fe3d87d3754e8cc6449d53b03dbfdaa6' },
};

/** The libraries of CUDA 12.5 and cuDNN 9.3 that this TensorFlow opens, as its own `and-cuda` extra pins them. */
export const cudaWheels: readonly Wheel[] = [
  { name: 'nvidia-cublas-cu12', version: '12.5.3.2' },
  { name: 'nvidia-cuda-cupti-cu12', version: '12.5.82' },
  { name: 'nvidia-cuda-nvrtc-cu12', version: '12.5.82' },
  { name: 'nvidia-cuda-runtime-cu12', version: '12.5.82' },
  { name: 'nvidia-cudnn-cu12', version: '9.3.0.75' },
  { name: 'nvidia-cufft-cu12', version: '11.2.3.61' },
  { name: 'nvidia-curand-cu12', version: '10.3.6.82' },
  { name: 'nvidia-cusolver-cu12', version: '11.6.3.83' },
  { name: 'nvidia-cusparse-cu12', version: '12.5.1.3' },
  { name: 'nvidia-nvjitlink-cu12', version: '12.5.82' },
];

/** The wheel that holds TensorFlow's library for this machine. */
export function tensorflowWheel(gpu: boolean): Wheel {
  const wheel = process.platform === 'linux' ? (gpu ? cuda : processors)[process.arch] : undefined;
  if (wheel !== undefined) return wheel;
  throw new EngineError(
    `no wheel of TensorFlow${gpu ? ' for CUDA' : ''} is known for ${process.platform} on ${process.arch}`,
    'use Linux on x64, or another engine',
  );
}

/** The tags that pip chooses by: any Python serves, since only libraries are taken out of it. */
export function pipTags(): string[] {
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const platforms = ['manylinux_2_17', 'manylinux2014', 'manylinux_2_27', 'manylinux1'];
  return [
    '--only-binary=:all:',
    '--python-version=3.12',
    '--implementation=cp',
    ...platforms.map((platform) => `--platform=${platform}_${machine}`),
  ];
}

/** A line of pip's requirements. */
export const requirement = ({ name, version: pinned, sha256 }: Wheel) =>
  `${name}==${pinned}${sha256 === undefined ? '' : ` --hash=sha256:${sha256}`}`;
