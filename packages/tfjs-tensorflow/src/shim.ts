import util from 'node:util';

type Test = (value: unknown) => boolean;

/** What Node 23 took out of `util` and tfjs-node 4.22 calls. */
const removed: Record<string, Test> = {
  isNullOrUndefined: (value) => value === null || value === undefined,
  isArray: Array.isArray,
};

/** Puts back into `util` what tfjs-node calls and this Node no longer has. */
export function restoreUtil(): void {
  for (const [name, value] of Object.entries(removed)) {
    if (name in util) continue;
    Object.defineProperty(util, name, { value, configurable: true, writable: true });
  }
}
