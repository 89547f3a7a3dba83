import type { Dataset } from '@bag/data';

/** The images of some classes of a data set, renumbered in the order of the names. */
export function someClasses(dataset: Dataset, names: readonly string[]): Dataset {
  const kept = names.map((name) => dataset.classes.indexOf(name));
  const missing = names.find((_, i) => kept[i] === -1);
  if (missing !== undefined) {
    throw new RangeError(`someClasses: ${dataset.name} has no class ${missing}; it has ${dataset.classes.join(', ')}`);
  }
  const images = Array.from(dataset.labels.keys()).filter((i) => kept.includes(dataset.labels[i] as number));
  return {
    name: dataset.name,
    classes: names,
    size: images.length,
    labels: Int32Array.from(images, (i) => kept.indexOf(dataset.labels[i] as number)),
    get: (index) => dataset.get(images[index] as number),
  };
}
