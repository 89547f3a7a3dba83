import { spawn } from 'node:child_process';
import process from 'node:process';

export interface Ran {
  ok: boolean;
  /** What it printed, and what kept it from starting. */
  output: string;
}

export interface RunOptions {
  folder: string;
  environment?: Record<string, string>;
  /** It is ended after so long. */
  limitMs?: number;
}

/** Runs a command to its end and keeps what it prints. */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  const { folder, environment = {}, limitMs } = options;
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(command, args, {
      cwd: folder,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(limitMs !== undefined && { timeout: limitMs }),
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.on('error', ({ message }) => {
      resolve({ ok: false, output: message });
    });
    child.on('close', (code) => {
      resolve({ ok: code === 0, output });
    });
  });
}

/** The last lines of an output: where tools say what went wrong. */
export const lastLines = (output: string, count = 8) => output.trimEnd().split('\n').slice(-count).join('\n');
