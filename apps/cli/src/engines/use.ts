import { UsageError } from '../errors.js';
import { say } from '../progress.js';
import { findEngine } from './find.js';
import type { EngineChoice } from './names.js';
import { startEngine } from './start.js';
import { describe, type EngineStatus, missing } from './status.js';

let inUse: { engine: string; chosen: string } | undefined;
let said: string | undefined;

/** The engine in use and why it is that one, in words; undefined before `useEngine`. */
export const engineInUse = () => inUse;

/**
 * Makes an engine current, and says which and why, once: the one named, which nothing stands in for, or what `auto` takes.
 * @param threads How many it is to compute with; by default as many as it takes by itself.
 * @throws UsageError with the reason and the command that would help, where the named one is missing.
 */
export async function useEngine(choice: EngineChoice, threads?: number): Promise<EngineStatus> {
  const { status, why } = await findEngine(choice, threads);
  if (!status.available) throw new UsageError(`backend ${status.name} is not available: ${missing(status)}`);
  const engine = await withThreads(await startEngine(status), threads);
  inUse = { engine: describe(engine), chosen: `${choice}: ${why}` };
  const line = `engine: ${inUse.engine}${choice === 'auto' ? `; ${why}` : ''}`;
  if (line !== said) say(line);
  said = line;
  return engine;
}

async function withThreads(engine: EngineStatus, count: number | undefined): Promise<EngineStatus> {
  if (count === undefined || count === engine.threads) return engine;
  if (engine.name !== 'onednn') {
    throw new UsageError(`the engine ${engine.name} has no choice of threads; onednn and tensorflow have`);
  }
  const { setThreads, threads } = await import('@bag/tfjs-backend-onednn');
  setThreads(count);
  return { ...engine, threads: threads() };
}
