#!/usr/bin/env node
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`error: Node ${process.version} is too old; install Node 20.19 or newer from nodejs.org`);
  process.exitCode = 2;
} else {
  await import('../dist/main.js');
}
