import { type Architecture, type ConvUnit, nodeSizes } from './architecture.js';
import { frozenBeginning } from './freeze.js';
import { parameterShapes } from './parameters.js';

/**
 * Trainable parameters: filters, biases, γ and β; running statistics are not counted.
 *
 * @example
 * countParameters(imageNetArchitecture({ depth: 50, variant: 'd' })); // 25576264
 */
export function countParameters(architecture: Architecture): number {
  return parameterShapes(architecture)
    .filter(({ role }) => role !== 'runningMean' && role !== 'runningVariance')
    .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

/**
 * Multiply-adds of one image's forward pass: convolutions and the dense layer, as the literature counts them.
 * @param inputSize Height and width in pixels; the architecture's own by default.
 * @throws RangeError where the images are too small for the architecture.
 * @example
 * countMultiplyAdds(imageNetArchitecture({ depth: 50 })) / 1e9; // 4.09
 */
export function countMultiplyAdds(architecture: Architecture, inputSize = architecture.inputSize): number {
  const products = outputs(architecture, inputSize).map(
    ({ unit: { kernel, from, to, depthwise }, pixels }) => pixels * kernel[0] * kernel[1] * (depthwise ? 1 : from) * to,
  );
  return products.reduce((a, b) => a + b, 0) + architecture.head.features * architecture.classes;
}

/**
 * Values that one image's training step saves for its backward pass: what every convolution gives, and what its
 * BatchNorm makes of it. Of a frozen beginning none are saved.
 * @param inputSize Height and width in pixels; the architecture's own by default.
 * @param frozen Names of the parameters that do not learn.
 * @throws RangeError where the images are too small for the architecture.
 * @example
 * const bytes = 4 * batch * countActivations(cifarArchitecture({ depth: 20 }));
 */
export function countActivations(
  architecture: Architecture,
  inputSize = architecture.inputSize,
  frozen: readonly string[] = [],
): number {
  const still = new Set(frozen);
  const unsaved = frozenBeginning(architecture.nodes, (name) => !still.has(name));
  return outputs(architecture, inputSize)
    .filter(({ name }) => !unsaved.has(name))
    .reduce((sum, { unit, pixels }) => sum + 2 * pixels * unit.to, 0);
}

/** Every convolution with the pixels of its output. */
function outputs(architecture: Architecture, inputSize: number): { name: string; unit: ConvUnit; pixels: number }[] {
  const sizes = nodeSizes(architecture, [inputSize, inputSize]);
  return architecture.nodes.flatMap((node) => {
    if (node.kind !== 'conv') return [];
    const [height, width] = sizes.get(node.name) ?? [0, 0];
    return [{ name: node.name, unit: node.unit, pixels: height * width }];
  });
}
