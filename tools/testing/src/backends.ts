import { beforeAll, describe, test } from 'vitest';
import { reasonToSkip, selectedBackends, start, type TestBackend } from '#engines';

/**
 * Runs the same tests once on each backend that is selected. What a backend lacks for the tests (training kernels for
 * wasm, say), the test file imports itself.
 */
export function describeOnBackends(
  name: string,
  define: (backend: TestBackend) => void,
  backends: readonly TestBackend[] = selectedBackends,
): void {
  for (const backend of backends) {
    const reason = reasonToSkip(backend);
    if (reason !== undefined) {
      test.skip(`${name} [${backend}], skipped: ${reason}`);
      continue;
    }
    describe(`${name} [${backend}]`, () => {
      beforeAll(() => start(backend));
      define(backend);
    });
  }
}
