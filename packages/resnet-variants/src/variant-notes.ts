import type { Architecture } from '@bag/network';

/**
 * What a network has of ResNet-C and -D, a line each: the deep stem, and shortcuts that average before they convolve.
 *
 * @example
 * variantNotes(cifarArchitecture({ depth: 8, variant: 'd' })); // ['average-pool shortcuts: 2']
 */
export function variantNotes({ nodes }: Pick<Architecture, 'nodes'>): string[] {
  const stem = nodes.filter(({ kind, name }) => kind === 'conv' && /^conv1\.\d/.test(name)).length;
  const pooled = nodes.filter(({ kind, name }) => kind === 'averagePool' && name.includes('.downsample.')).length;
  return [
    ...(stem > 0 ? [`deep stem: ${stem} convolutions of 3×3`] : []),
    ...(pooled > 0 ? [`average-pool shortcuts: ${pooled}`] : []),
  ];
}
