import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';

/** What of a processor matters to training, in the words of Linux. */
const telling =
  /^(sse4_2|fma|f16c|avx|avx2|avx_vnni|avx512f|avx512bw|avx512_vnni|avx512_bf16|avx512_fp16|amx_tile|amx_bf16|amx_fp16|asimd|asimdhp|asimddp|bf16|i8mm|sve|sve2|sme)$/;

export interface Processor {
  model: string;
  /** Logical processors of the machine, and how many of them this process may use. */
  cores: number;
  usable: number;
  /** The instruction sets that matter to training; empty where the system does not tell. */
  instructionSets: string[];
}

export function processor(): Processor {
  return {
    model: cpus()[0]?.model.trim() ?? process.arch,
    cores: cpus().length,
    usable: availableParallelism(),
    instructionSets: instructionSets(process.platform, whatTheSystemTells()),
  };
}

function whatTheSystemTells(): string {
  try {
    if (process.platform === 'linux') return readFileSync('/proc/cpuinfo', 'utf8');
    if (process.platform === 'darwin') {
      return spawnSync('sysctl', ['machdep.cpu', 'hw.optional'], { encoding: 'utf8' }).stdout;
    }
  } catch {
    // A system that does not tell is no error.
  }
  return '';
}

/** Those that matter, from /proc/cpuinfo or from sysctl. */
export function instructionSets(platform: string, text: string): string[] {
  const flags = platform === 'darwin' ? macFlags(text) : linuxFlags(text);
  return [...new Set(flags.filter((flag) => telling.test(flag)))].sort();
}

function linuxFlags(cpuinfo: string): string[] {
  const [, flags = ''] = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo) ?? [];
  return flags.split(/\s+/);
}

/** sysctl's lists of names for Intel, and its switches for ARM. */
function macFlags(sysctl: string): string[] {
  const listed = [...sysctl.matchAll(/^machdep\.cpu\.\w*features: (.*)$/gm)].flatMap(([, list = '']) =>
    list.toLowerCase().replaceAll('.', '_').split(' '),
  );
  const renamed: Record<string, string> = { avx1_0: 'avx', neon: 'asimd', feat_fp16: 'asimdhp', feat_bf16: 'bf16' };
  const switched = [...sysctl.matchAll(/^hw\.optional\.(?:arm\.)?(\w+): 1$/gm)].map(([, name = '']) => {
    const lower = name.toLowerCase();
    return renamed[lower] ?? lower.replace(/^feat_/, '');
  });
  return [...listed.map((name) => renamed[name] ?? name), ...switched];
}
