import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';

/**
 * Runs every ```ts block of a README as a module of its own, as a reader would paste it. A line
 * `expression; // → value` also asserts the value: numbers to six digits, the rest by deep equality.
 */
export function testReadme(url: URL): void {
  const blocks = [...readFileSync(url, 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(
    (match) => match[1] as string,
  );
  const folder = new URL('node_modules/.readme/', url);
  describe('README', () => {
    test('has examples', () => {
      expect(blocks.length).toBeGreaterThan(0);
    });
    for (const [i, block] of blocks.entries()) {
      testExample(`example ${i + 1}`, block, fileURLToPath(new URL(`example-${i + 1}.mjs`, folder)));
    }
  });
}

/** Tests one block, written to `file` as a module. */
export function testExample(title: string, block: string, file: string): void {
  test(title, async () => {
    await tf.setBackend('cpu');
    mkdirSync(dirname(file), { recursive: true });
    const { transformSync } = await import('esbuild');
    const source = block.replace(
      /^(?!\s*(?:const|let|import|export)\b)(\s*)(.+?);?[ \t]*\/\/ → (.+)$/gm,
      '$1__check(($2), ($3));',
    );
    const { code } = transformSync(`${source}\nexport {};`, { loader: 'ts', format: 'esm' });
    writeFileSync(file, code);
    Object.assign(globalThis, { __check: check });
    await import(/* @vite-ignore */ `${pathToFileURL(file).href}?t=${Date.now()}`);
  });
}

function check(actual: unknown, expected: unknown): void {
  if (typeof actual === 'number' && typeof expected === 'number') {
    expect(actual).toBeCloseTo(expected, 6);
  } else if (Array.isArray(actual) && Array.isArray(expected)) {
    expect(actual).toHaveLength(expected.length);
    expected.forEach((value, i) => {
      check(actual[i], value);
    });
  } else {
    expect(actual).toEqual(expected);
  }
}
