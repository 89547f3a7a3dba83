import { existsSync } from 'node:fs';

/** Where Chromium is: by CHROMIUM_PATH, or in the usual places; undefined where there is none. */
export const chromiumPath =
  process.env['CHROMIUM_PATH'] ??
  [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ].find((path) => existsSync(path));

/** How long a browser may take for a step: less than a test may, so that the step is named. */
export const browserTimeoutMs = 280_000;

/** WebGL and WebGPU on the processor, by SwiftShader: the same on every machine, and there where no graphics card is. */
export const chromiumFlags = [
  // Its sandbox does not start as root, nor in most containers; the pages are our own.
  '--no-sandbox',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
];
