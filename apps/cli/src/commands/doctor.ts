import type { HalfSupport } from '@bag/tfjs-backend-onednn';
import { findEngine } from '../engines/find.js';
import { probeEngines } from '../engines/probe.js';
import { convolutionSpeed } from '../engines/speed.js';
import { startEngine } from '../engines/start.js';
import { type EngineStatus, firstLine, missing } from '../engines/status.js';
import { processor } from '../processor.js';
import { withProgress } from '../progress.js';
import { table } from '../table.js';

/** How long each engine is timed. */
const probeMs = 2000;

interface MeasuredEngine extends EngineStatus {
  gigaflops?: number;
}

export async function doctorCommand({ json }: { json?: boolean }): Promise<void> {
  const engines = await measureEach(await probeEngines());
  const { status, why } = await findEngine('auto');
  const active = status.name;
  const machine = { node: process.version, platform: `${process.platform} ${process.arch}`, ...processor() };
  if (json === true) {
    console.log(JSON.stringify({ ...machine, active, why, engines }));
    return;
  }
  const { node, platform, model, cores, usable, instructionSets } = machine;
  console.log(`Node ${node}, ${platform}`);
  console.log(`${cores} × ${model}${usable < cores ? `, of which ${usable} may be used` : ''}`);
  console.log(`instruction sets: ${instructionSets.join(' ') || 'not told by this system'}\n`);
  const rows = engines.map(({ name, available, version = '', threads, gigaflops }) => [
    name,
    available ? 'yes' : 'no',
    version,
    threads === undefined ? '' : String(threads),
    gigaflops === undefined ? '' : gigaflops.toFixed(1),
  ]);
  console.log(table(['engine', 'available', 'version', 'threads', 'conv GFLOP/s'], rows));
  console.log(`\n--backend auto takes ${active}: ${why}`);
  for (const engine of engines) {
    if (!engine.available) console.log(`${engine.name}: ${missing(engine)}`);
    else for (const line of details(engine)) console.log(`${engine.name}: ${line}`);
  }
}

async function measureEach(engines: EngineStatus[]): Promise<MeasuredEngine[]> {
  return withProgress(async (progress) => {
    const measured: MeasuredEngine[] = [];
    progress.start(engines.length);
    for (const [i, engine] of engines.entries()) {
      progress.update(i, `timing ${engine.name}`);
      measured.push(engine.available ? await measure(engine) : engine);
    }
    return measured;
  });
}

/** A program that plays a GPU takes many seconds for a convolution: nobody chooses it for its speed. */
async function measure(engine: EngineStatus): Promise<MeasuredEngine> {
  if (engine.software === true) return startEngine(engine);
  try {
    return { ...(await startEngine(engine)), gigaflops: await convolutionSpeed(probeMs) };
  } catch (error) {
    return { ...engine, available: false, reason: `it fails: ${firstLine(error)}`, fix: 'take another engine' };
  }
}

/** What there is to tell of an engine that is there, a line each. */
export function details(engine: EngineStatus): string[] {
  if (engine.name === 'onednn') return nativeDetails(engine);
  return engine.device === undefined ? [] : [deviceDetails(engine)];
}

function deviceDetails({ device = '', software = false, memoryLimitBytes }: EngineStatus): string {
  const kind = software ? ', a program that plays a GPU: for tests, auto leaves it out' : '';
  const limit = memoryLimitBytes === undefined ? '' : `, a tensor takes at most ${gibibytes(memoryLimitBytes)}`;
  return `${device}${kind}${limit}`;
}

const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

function nativeDetails(engine: EngineStatus): string[] {
  const { instructionSet = '', threads = 0, threadsFrom, memoryLimitBytes = 0, halves } = engine;
  const source = threadsFrom === 'BAG_NUM_THREADS' ? 'BAG_NUM_THREADS' : 'the processors; BAG_NUM_THREADS changes it';
  return [
    `instructions ${instructionSet}, threads ${threads} (from ${source}), tensors take at most ${gibibytes(memoryLimitBytes)}`,
    ...(halves === undefined
      ? []
      : [`bf16: ${describeHalf(halves.bfloat16)}`, `fp16: ${describeHalf(halves.float16)}`]),
  ];
}

/** What a run in 16 bits gets here. */
function describeHalf({ computedBy, convertedBy }: HalfSupport): string {
  return computedBy === null
    ? `storage only: computed in float32, converted by ${convertedBy}`
    : `convolutions by ${computedBy}; the rest is storage only: computed in float32, converted by ${convertedBy}`;
}
