import { CommanderError } from 'commander';
import { didYouMean, ExplainedError, UsageError } from './errors.js';
import { program } from './program.js';
import { red } from './style.js';

/** One line, and where that does not say all, how to see more. The exit code is 2 for a wrong command, 1 for work that failed. */
export function reportFailure(error: unknown): void {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return;
    process.exitCode = 2;
    if (error.code !== 'commander.help') console.error(unknownCommand(error) ?? error.message);
    return;
  }
  const known = explained(error);
  process.exitCode = known instanceof UsageError ? 2 : 1;
  if (process.argv.includes('--verbose')) {
    console.error(known.stack);
    return;
  }
  console.error(`${red('error:', process.stderr)} ${known.message}`);
  if (!(known instanceof ExplainedError)) console.error('(--verbose shows where it comes from)');
}

const unusablePath = new Set(['ENOTDIR', 'EACCES', 'EPERM', 'EROFS', 'EISDIR', 'EEXIST', 'ENAMETOOLONG']);

/** What the system and the engine say, in words that help. */
function explained(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const { code, path } = error as NodeJS.ErrnoException;
  if (code !== undefined && unusablePath.has(code)) {
    return new UsageError(
      `cannot use ${path ?? 'the path'}: ${error.message.split(',')[0] ?? code}; name another place`,
      {
        cause: error,
      },
    );
  }
  // An engine's own: reason and fix in one line.
  if (error.name === 'WebGpuError' || error.name === 'EngineError') {
    return new ExplainedError(error.message, { cause: error });
  }
  const memory = memoryFailure(error);
  if (memory !== undefined) {
    const fix = 'lower --batch, and raise accumulate to keep the size of a step';
    return new ExplainedError(`the engine ran out of memory (${memory}); ${fix}`, { cause: error });
  }
  return error;
}

/** What an engine says when there is no memory left; undefined for another failure. */
function memoryFailure(error: Error): string | undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof WebAssembly.RuntimeError || code === 'ERR_BAG_MEMORY') return error.message;
  // TensorFlow's status 8, whose first line has no words.
  return /OOM when allocating tensor with shape\[[\d,]*\]/.exec(error.message)?.[0];
}

function unknownCommand(error: CommanderError): string | undefined {
  const typed = error.code === 'commander.unknownCommand' ? /'(.*?)'/.exec(error.message)?.[1] : undefined;
  if (typed === undefined) return undefined;
  const words = process.argv.slice(2).filter((word) => !word.startsWith('-'));
  const parent = words[0] === typed ? program : (program.commands.find((one) => one.name() === words[0]) ?? program);
  const names = parent.commands.map((command) => command.name());
  return `error: unknown command ${typed}${didYouMean(typed, names) || `; known are ${names.join(', ')}`}`;
}
