import { type Architecture, type ConvUnit, convUnits } from './architecture.js';

/**
 * Trainable parameters: filters, biases, γ and β; running statistics are not counted.
 *
 * @example
 * countParameters(imageNetArchitecture({ depth: 50, variant: 'd' })); // 25576264
 */
export function countParameters(architecture: Architecture): number {
  const { features, classes } = architecture;
  const units = convUnits(architecture).map(
    ({ kernel, from, to, bias }) => kernel * kernel * from * to + 2 * to + (bias ? to : 0),
  );
  return units.reduce((a, b) => a + b, 0) + (features + 1) * classes;
}

/**
 * Multiply-adds of one image's forward pass: convolutions and the dense layer, as the literature counts them.
 * @param inputSize Height and width in pixels; the architecture's own by default.
 * @example
 * countMultiplyAdds(imageNetArchitecture({ depth: 50 })) / 1e9; // 4.09
 */
export function countMultiplyAdds(architecture: Architecture, inputSize = architecture.inputSize): number {
  const products = outputs(architecture, inputSize).map(
    ({ unit, size }) => size * size * unit.kernel * unit.kernel * unit.from * unit.to,
  );
  return products.reduce((a, b) => a + b, 0) + architecture.features * architecture.classes;
}

/**
 * Values that one image's training step saves for its backward pass: what every convolution gives, and what its
 * BatchNorm makes of it.
 * @param inputSize Height and width in pixels; the architecture's own by default.
 * @example
 * const bytes = 4 * batch * countActivations(cifarArchitecture({ depth: 20 }));
 */
export function countActivations(architecture: Architecture, inputSize = architecture.inputSize): number {
  return outputs(architecture, inputSize).reduce((sum, { unit, size }) => sum + 2 * size * size * unit.to, 0);
}

/** Every convolution with the height and width of its output, in the order of the forward pass. */
function outputs(architecture: Architecture, inputSize: number): { unit: ConvUnit; size: number }[] {
  const list: { unit: ConvUnit; size: number }[] = [];
  let size = inputSize;
  const apply = (unit: ConvUnit, inSize: number): number => {
    const outSize = Math.floor((inSize + 2 * unit.padding - unit.kernel) / unit.stride) + 1;
    list.push({ unit, size: outSize });
    return outSize;
  };
  for (const unit of architecture.stem) size = apply(unit, size);
  if (architecture.maxPool) size = Math.floor((size - 1) / 2) + 1;
  for (const { units, shortcut } of architecture.blocks) {
    if (shortcut.kind === 'projection') apply(shortcut.unit, Math.ceil(size / shortcut.pool));
    for (const unit of units) size = apply(unit, size);
  }
  return list;
}
