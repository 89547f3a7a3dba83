import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../engine-error.js';
import { type LibraryNote, noteFile } from '../packages.js';
import { lastLines, run } from './run.js';
import { cudaWheels, pipTags, requirement, tensorflowWheel, type Wheel } from './wheels.js';

/** Takes members out of the wheels in a folder: the library and its headers, or NVIDIA's libraries. Prints build_info. */
const extract = `
import glob, re, sys, zipfile
wanted = re.compile(sys.argv[1])
for path in glob.glob('*.whl'):
    with zipfile.ZipFile(path) as wheel:
        wheel.extractall('.', [name for name in wheel.namelist() if wanted.match(name)])
        for name in wheel.namelist():
            if name.endswith('platform/build_info.py'):
                print(wheel.read(name).decode())
`;

const tensorflowMembers = 'tensorflow/(libtensorflow_(cc|framework)[.]so|include/|THIRD_PARTY_NOTICES)';
const cudaMembers = 'nvidia/[^/]+/lib/';

/**
 * Lays TensorFlow's library and its headers from a wheel into `deps` of an installed tfjs-node, as its own installation
 * would.
 */
export async function libraryFromWheel(folder: string, gpu: boolean): Promise<LibraryNote> {
  const wheel = tensorflowWheel(gpu);
  const deps = join(folder, 'deps');
  return inDraft(folder, async (draft) => {
    const buildInfo = await unpack(draft, [wheel], tensorflowMembers);
    const from = join(draft, 'tensorflow');
    for (const part of ['lib', 'include']) rmSync(join(deps, part), { recursive: true, force: true });
    const library = join(draft, 'lib');
    for (const name of readdirSync(from).filter((one) => one.startsWith('lib'))) move(join(from, name), library, name);
    for (const name of readdirSync(library)) {
      // The linker wants the short names, and the first of them is what tfjs-node calls the whole.
      const [short = name] = name.split('.so');
      symlinkSync(name, join(library, `${short === 'libtensorflow_cc' ? 'libtensorflow' : short}.so`));
    }
    move(library, deps, 'lib');
    move(join(from, 'include'), deps, 'include');
    move(join(from, 'THIRD_PARTY_NOTICES.txt'), deps, 'THIRD_PARTY_NOTICES.txt');
    const note = { tensorflow: wheel.version, ...cudaOf(buildInfo) };
    writeFileSync(noteFile(folder), JSON.stringify(note));
    return note;
  });
}

/** Lays NVIDIA's libraries where TensorFlow looks for them, beside its own. */
export async function cudaFromWheels(folder: string): Promise<void> {
  await inDraft(folder, async (draft) => {
    await unpack(draft, cudaWheels, cudaMembers);
    rmSync(join(folder, 'deps', 'nvidia'), { recursive: true, force: true });
    move(join(draft, 'nvidia'), join(folder, 'deps'), 'nvidia');
  });
}

/** The versions in TensorFlow's build_info.py. */
function cudaOf(buildInfo: string): { cuda?: string; cudnn?: string } {
  const value = (key: string) => new RegExp(`'${key}', '([\\d.]+)'`).exec(buildInfo)?.[1];
  const [cuda, cudnn] = [value('cuda_version'), value('cudnn_version')];
  return { ...(cuda !== undefined && { cuda }), ...(cudnn !== undefined && { cudnn }) };
}

async function unpack(draft: string, wheels: readonly Wheel[], members: string): Promise<string> {
  const names = wheels.map(({ name, version }) => `${name} ${version}`).join(', ');
  const list = join(draft, 'requirements.txt');
  writeFileSync(list, wheels.map(requirement).join('\n'));
  const python = (...args: string[]) => run('python3', args, { folder: draft });
  if (!(await python('-m', 'pip', '--version')).ok) {
    throw new EngineError('TensorFlow comes by pip, and there is none', 'install it, e.g. apt-get install python3-pip');
  }
  const download = await python('-m', 'pip', 'download', '--quiet', '--no-deps', ...pipTags(), '-r', list);
  if (!download.ok) {
    throw new EngineError(
      `pip does not bring ${names}:\n${lastLines(download.output)}`,
      'check the connection to PyPI',
    );
  }
  const { ok, output } = await python('-c', extract, members);
  if (ok) return output;
  throw new EngineError(`${names} cannot be unpacked: ${lastLines(output, 1)}`, 'is the disk full?');
}

function move(from: string, to: string, name: string): void {
  mkdirSync(to, { recursive: true });
  renameSync(from, join(to, name));
}

/** On the same disk, so that what is whole can be moved to its place. */
async function inDraft<T>(folder: string, work: (draft: string) => Promise<T>): Promise<T> {
  const draft = mkdtempSync(join(folder, '.draft-'));
  try {
    return await work(draft);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
