import type { Network } from '@bag/network';
import { toLayersModel } from '@bag/network/layers';
import { toOnnx } from '@bag/network/onnx';
import { storeParameters } from '@bag/trainer';
import { writeFileAtomically } from '@bag/trainer/node';
import { serializeSafetensors, torchWeights } from '@bag/weights';
import * as tf from '@tensorflow/tfjs';
import { basename, extname, join } from 'node:path';
import { preprocessingOf } from '../data.js';
import { useEngine } from '../engines/use.js';
import { UsageError } from '../errors.js';
import type { ForeignOptions } from '../foreign-weights.js';
import { imageSizeOf, modelTitle } from '../network.js';
import { recordFor } from '../origin.js';
import { createFolder, requireAbsent } from '../paths.js';
import { loadRun } from '../run.js';
import type { SavedRun } from '../saved-run.js';

export const exportFormats = ['safetensors', 'layers', 'onnx'] as const;

export interface ExportFlags extends ForeignOptions {
  format: (typeof exportFormats)[number];
  out?: string;
  /** Whether each BatchNorm becomes part of its convolution. */
  fold?: boolean;
  /** Pixels on a side that the exported model is fixed to. */
  size?: number;
  json?: boolean;
}

const endings = { safetensors: '.safetensors', layers: '-layers', onnx: '.onnx' };

/** Writes a trained network for other programs. */
export async function exportCommand(path: string, flags: ExportFlags): Promise<void> {
  const { format, out = `${basename(path, extname(path))}${endings[format]}`, json } = flags;
  const unused =
    format === 'safetensors' ? (['fold', 'size'] as const).find((key) => flags[key] !== undefined) : undefined;
  if (unused !== undefined) throw new UsageError(`--${unused} acts on layers and onnx; leave it out with safetensors`);
  await requireAbsent(out, out);
  await useEngine('auto');
  const { network, run } = await loadRun(path, flags);
  await writers[format](network, run, out, flags);
  network.dispose();
  if (json === true) console.log(JSON.stringify({ format, out, model: run.config.model, ...facts(run) }));
  else console.log(`${modelTitle(run.config)} with ${run.classes.length} classes: ${out}`);
}

/** What a consumer must know beside the weights. */
function facts({ config, classes }: SavedRun) {
  const { mean, deviation } = preprocessingOf(config).normalization;
  return { classes, inputSize: imageSizeOf(config), mean, deviation };
}

/** The same as text, for formats whose metadata is that. */
const textFacts = (run: SavedRun): Record<string, string> =>
  Object.fromEntries(Object.entries(facts(run)).map(([key, value]) => [key, JSON.stringify(value)]));

type Writer = (network: Network, run: SavedRun, out: string, flags: ExportFlags) => Promise<void>;

const writers: Record<ExportFlags['format'], Writer> = {
  /** With the names and the layout that torchvision and timm load. */
  safetensors: async (network, run, out) => {
    const stored = await storeParameters(network);
    const parameters = network.parameters.map(({ name, role }) => [name, { ...stored[name], role }]);
    const tensors = torchWeights(Object.fromEntries(parameters) as Parameters<typeof torchWeights>[0]);
    const metadata = { format: 'pt', model: modelTitle(run.config), ...textFacts(run), ...recordFor(run) };
    await writeFileAtomically(out, serializeSafetensors(tensors, metadata));
  },
  onnx: async (network, run, out, { fold, size }) => {
    const metadata = textFacts(run);
    await writeFileAtomically(out, await toOnnx(network, { foldBatchNorm: fold, inputSize: size, metadata }));
  },
  layers: async (network, run, out, { fold, size }) => {
    const model = toLayersModel(network, {
      ...(fold !== undefined && { foldBatchNorm: fold }),
      ...(size !== undefined && { inputSize: size }),
    });
    model.setUserDefinedMetadata(facts(run));
    await createFolder(out);
    await model.save(tf.io.withSaveHandler((artifacts) => writeLayers(artifacts, out)));
    model.dispose();
  },
};

/** The two files that `tf.loadLayersModel` reads. */
async function writeLayers(artifacts: tf.io.ModelArtifacts, folder: string): Promise<tf.io.SaveResult> {
  const { weightSpecs, weightData, ...rest } = artifacts;
  const manifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
  await writeFileAtomically(join(folder, 'weights.bin'), new Uint8Array(weightData as ArrayBuffer));
  await writeFileAtomically(join(folder, 'model.json'), JSON.stringify({ ...rest, weightsManifest: manifest }));
  return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
}
