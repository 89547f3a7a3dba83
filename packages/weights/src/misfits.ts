import { moduleOf } from './names/step.js';
import { formatShape } from './stored.js';

export interface Misfits {
  missing: readonly string[];
  superfluous: readonly string[];
  misshapen: readonly { name: string; found: readonly number[]; wanted: readonly number[] }[];
  head: string | undefined;
}

/** One line that lists some of each kind; `undefined` where there are none. */
export function misfits({ missing, superfluous, misshapen, head }: Misfits): string | undefined {
  const parts = [
    list('missing', missing),
    list('superfluous', superfluous),
    list(
      'misshapen',
      misshapen.map(({ name, found, wanted }) => `${name} ${formatShape(found)} for ${formatShape(wanted)}`),
    ),
  ].filter((part) => part !== undefined);
  if (parts.length === 0) return undefined;
  const onlyHead = missing.length + superfluous.length === 0 && misshapen.every(({ name }) => moduleOf(name) === head);
  const advice = onlyHead ? 'to train another number of classes, pass replaceHead' : "are they another model's?";
  return `the weights do not fit: ${parts.join('; ')}; ${advice}`;
}

function list(kind: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const more = names.length > 4 ? ', …' : '';
  return `${names.length} ${kind} (${names.slice(0, 4).join(', ')}${more})`;
}
