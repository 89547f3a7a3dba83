import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { browserTimeoutMs, chromiumPath } from '@bag/testing';
import { buildSync } from 'esbuild';
import { chromium } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { whyNoWebGpu } from './index.js';

const folder = mkdtempSync(join(tmpdir(), 'bag-webgpu-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What a page prints that has `tf` and this package. */
async function inBrowser(code: string, options: string[]): Promise<unknown> {
  buildSync({
    stdin: {
      contents: `
        import * as tf from '@tensorflow/tfjs';
        import { whyNoWebGpu } from './index.ts';
        (async () => { ${code} })().then(
          (result) => (document.title = JSON.stringify(result)),
          (error) => (document.title = JSON.stringify(String(error))),
        );`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    outfile: join(folder, 'page.js'),
    bundle: true,
    format: 'iife',
    mainFields: ['module', 'main'],
  });
  const page = join(folder, 'page.html');
  writeFileSync(page, '<!doctype html><title></title><script src="page.js"></script>');
  const browser = await chromium.launch({
    executablePath: chromiumPath as string,
    args: ['--no-sandbox', ...options],
    timeout: browserTimeoutMs,
  });
  try {
    const tab = await browser.newPage();
    tab.setDefaultTimeout(browserTimeoutMs);
    await tab.goto(pathToFileURL(page).href);
    await tab.waitForFunction('document.title !== ""');
    return JSON.parse(await tab.title());
  } finally {
    await browser.close();
  }
}

// Where no browser is installed there is nothing to open the page with.
describe.skipIf(chromiumPath === undefined)('in a browser', () => {
  const software = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

  test('the engine starts, trains, and says what a GPU cannot do', async () => {
    const code = `
      const reason = (await whyNoWebGpu()) ?? null;
      await tf.setBackend('webgpu');
      const x = tf.tensor4d(Float32Array.from({ length: 2 * 4 * 4 * 3 }, (_, i) => Math.sin(i)), [2, 4, 4, 3]);
      const filter = tf.variable(tf.fill([3, 3, 3, 2], 0.1));
      const loss = () => tf.mean(tf.square(tf.maxPool(tf.conv2d(x, filter, 1, 'same'), 2, 2, 'valid')));
      const before = (await loss().data())[0];
      for (let i = 0; i < 3; i++) tf.train.sgd(0.01).minimize(loss);
      const after = (await loss().data())[0];
      const large = await (async () => tf.fill([2 ** 30], 1).data())().catch((error) => error.message);
      return [reason, tf.getBackend(), after < before, large];`;
    const [reason, backend, learned, large] = (await inBrowser(code, software)) as unknown[];
    expect([reason, backend, learned]).toEqual([null, 'webgpu', true]);
    expect(large).toMatch(/^a tensor of 4.00 GiB \(4294967296 bytes\) exceeds what this GPU binds at once/);
  });

  test('a browser without a GPU', async () => {
    expect(await inBrowser('return whyNoWebGpu();', ['--disable-gpu', '--disable-software-rasterizer'])).toMatch(
      /^this browser has (no WebGPU|WebGPU, but finds no GPU for it); /,
    );
  });
});

test('Node is no browser', async () => {
  expect(await whyNoWebGpu()).toBe('this is no browser; in Node, call startWebGpu of @bag/tfjs-webgpu/node');
});
