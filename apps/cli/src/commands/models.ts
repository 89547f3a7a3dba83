import { models } from '@bag/models';
import { table } from '../table.js';

export function modelsCommand({ json }: { json?: boolean }): void {
  const all = models();
  if (json === true) {
    console.log(JSON.stringify(all));
    return;
  }
  const rows = all.map(({ name, variant, family, parameters, multiplyAdds, inputSize }) => [
    name,
    variant ?? '',
    family === 'imagenet' ? 'ImageNet' : 'CIFAR',
    parameters.toLocaleString('en-US'),
    (multiplyAdds / 1e9).toFixed(2),
    String(inputSize),
  ]);
  console.log(table(['model', 'variant', 'family', 'parameters', 'GMACs', 'pixels'], rows));
}
