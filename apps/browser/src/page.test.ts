import { browserTimeoutMs, chromiumFlags, chromiumPath } from '@bag/testing';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { totalSteps } from './bag-run.js';
import { expectSameEnd, expectSameStart } from './fixtures/agreement.js';
import { reference } from './fixtures/reference.js';
import { servePage } from './fixtures/serve-page.js';

const named = process.env['BAG_TEST_BACKENDS']?.split(',');
/** Those that BAG_TEST_BACKENDS names: a whole run takes half a minute, and minutes on a GPU that is software. */
const engines = ['wasm', 'webgl', 'webgpu'].filter((engine) => named?.includes(engine) === true);

const trainingTimeoutMs = 5 * browserTimeoutMs;

const why = chromiumPath === undefined ? ', skipped: no Chromium; name one by CHROMIUM_PATH' : '';

describe.skipIf(chromiumPath === undefined)(`the page in a browser${why}`, () => {
  let browser: Browser;
  let server: Awaited<ReturnType<typeof servePage>>;
  beforeAll(async () => {
    server = await servePage();
    browser = await launch(chromiumFlags);
  });
  afterAll(async () => {
    await browser.close();
    server.close();
  });

  test.each(engines)(
    '%s trains as the plain cpu backend in Node does',
    { timeout: trainingTimeoutMs + 20_000 },
    async (engine) => {
      const { page, problems } = await open(browser, `?engine=${engine}&seed=${reference.seed}&autostart`);
      await page.waitForSelector('[data-state=done], [data-state=stopped], [data-state=failed]', {
        timeout: trainingTimeoutMs,
      });
      expect(problems()).toEqual([]);
      const losses = ((await page.textContent('#losses')) ?? '').split('\n').map(Number);
      expectSameStart(losses);
      expect(await brightness(page), 'the first batch is drawn').toBeGreaterThan(0);
      expectSameEnd(losses);
      expect(await page.textContent('#status')).toMatch(new RegExp(`^${engine}: done; `));
      expect(await page.textContent('#step')).toBe(`${totalSteps} of ${totalSteps}`);
      expect(parseFloat((await page.textContent('#accuracy')) ?? '') / 100).toBeCloseTo(reference.accuracy, 1);
      await page.close();
    },
  );

  test('a person starts it, stops it, and reads the curve', async () => {
    const { page, problems } = await open(browser, '');
    await page.check('input[value=wasm]');
    await page.click('#start');
    await page.waitForFunction(() => (document.querySelector('#step')?.textContent ?? '–') !== '–');
    await page.click('#start');
    await page.waitForSelector('[data-state=stopped]');
    expect(await page.textContent('#status')).toMatch(/^stopped after \d+ steps$/);
    expect(await page.textContent('#accuracy')).toBe('–');
    expect(await page.getAttribute('#curve', 'aria-label')).toMatch(/^Loss after \d+ of 100 steps: from 0\.\d\d to/);
    expect(problems()).toEqual([]);
    await page.close();
  });

  test('an engine that is missing says why', async () => {
    const bare = await launch(['--no-sandbox', '--disable-3d-apis']);
    try {
      for (const [engine, reason] of [
        ['webgl', /no WebGL2 here/],
        ['webgpu', /WebGPU/],
      ] as const) {
        const { page } = await open(bare, `?engine=${engine}&autostart`);
        await page.waitForSelector('[data-state=failed]');
        expect(await page.textContent('#status')).toMatch(reason);
        expect(await page.textContent(`#${engine}-note`)).toMatch(reason);
        await page.close();
      }
    } finally {
      await bare.close();
    }
  });

  async function open(where: Browser, query: string): Promise<{ page: Page; problems: () => string[] }> {
    const page = await where.newPage();
    page.setDefaultTimeout(browserTimeoutMs);
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    page.on('request', (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(server.url)) problems.push(request.url());
    });
    await page.goto(`${server.url}${query}`);
    return { page, problems: () => problems };
  }
});

function launch(args: string[]): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath ?? '', args, timeout: browserTimeoutMs });
}

/** The sum of a picture's values. */
function brightness(page: Page): Promise<number> {
  return page.evaluate(() => {
    const canvas = document.querySelector('canvas') as HTMLCanvasElement;
    const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data;
    return pixels?.reduce((sum, value) => sum + value, 0) ?? 0;
  });
}
