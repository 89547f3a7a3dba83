// Serves dist/ on this machine only: node serve.mjs [port]
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('dist', import.meta.url));
const port = Number(process.argv[2] ?? 8080);
if (!Number.isInteger(port) || port < 0 || port > 65535) {
  console.error(`expected a port from 0 to 65535, got ${process.argv[2]}`);
  process.exit(2);
}
const types = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.map': 'application/json',
  '.wasm': 'application/wasm',
};

const server = createServer(async (request, response) => {
  const path = pathOf(request.url);
  // An absolute path, normalised, cannot climb out of the folder.
  const file = join(folder, normalize(path.endsWith('/') ? `${path}index.html` : path));
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) {
    response.writeHead(404).end('not found');
    return;
  }
  response.writeHead(200, {
    'content-type': types[extname(file)] ?? 'application/octet-stream',
    'content-length': found.size,
    'cache-control': 'no-cache',
  });
  createReadStream(file).pipe(response);
});

/** The path that is asked for; one that cannot be decoded is none that is there. */
function pathOf(url) {
  try {
    return decodeURIComponent(new URL(url, 'http://localhost').pathname);
  } catch {
    return '/none';
  }
}

server.on('error', (error) => {
  const why =
    error.code === 'EADDRINUSE' ? `the port ${port} is taken; name another: npm run browser -- 8081` : error.message;
  console.error(why);
  process.exit(1);
});
server.listen(port, '127.0.0.1', () => {
  console.log(`the page: http://127.0.0.1:${server.address().port}/`);
});
