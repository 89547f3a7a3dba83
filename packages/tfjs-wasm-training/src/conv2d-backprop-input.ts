import { Conv2D } from '@tensorflow/tfjs-core';
import { geometry } from './geometry.js';
import { input, type WasmKernel } from './heap.js';
import { gradientByPhases } from './phases.js';

/**
 * The gradient of a convolution with respect to its input, as forward convolutions of dy.
 *
 * @param native The backend's own kernel, for the rare geometry in which a phase would need negative padding.
 */
export function conv2dBackpropInput(native: WasmKernel): WasmKernel {
  return (inputs, attributes, backend) => {
    const dy = input(inputs, 'dy');
    const filter = input(inputs, 'filter');
    const { inputShape } = attributes as { inputShape: [number, number, number, number] };
    const filterShape = filter.shape as [number, number, number, number];
    const g = geometry('Conv2DBackpropInput', inputShape, filterShape, attributes);
    return gradientByPhases(Conv2D, dy, filter, g, backend) ?? native(inputs, attributes, backend);
  };
}
