import { DownloadError, getDataset, type GetDatasetOptions, type GottenDataset } from '@bag/data/node';
import { join } from 'node:path';
import { ExplainedError, UsageError } from '../errors.js';
import { untilInterrupted } from '../interrupt.js';
import { createFolder } from '../paths.js';
import { type Progress, withProgress } from '../progress.js';

export interface DataGetFlags {
  from?: string;
  json?: boolean;
}

const interrupted = 'interrupted; the same command goes on with what has arrived';

/** Downloads a well-known data set, or verifies the one that is there. */
export async function dataGetCommand(name: string, folder = join('data', name), flags: DataGetFlags): Promise<void> {
  await createFolder(folder);
  const got = await withProgress((progress) =>
    untilInterrupted(interrupted, (signal) =>
      get(name, { folder, from: flags.from, signal, onProgress: meter(progress) }),
    ),
  );
  if (flags.json === true) {
    console.log(JSON.stringify(got));
    return;
  }
  const size = `${got.files.length} files from ${megabytes(got.bytes)} MB`;
  console.log(`${folder}: ${got.alreadyThere ? 'already there' : size}, verified`);
  console.log(`train on it:  npx bag train${name.startsWith('cifar10') ? ' cifar10/bag' : ''} --data ${folder}`);
}

async function get(name: string, options: GetDatasetOptions & { folder: string }): Promise<GottenDataset> {
  try {
    return await getDataset(name, options);
  } catch (error) {
    if (error instanceof DownloadError) throw notDownloaded(error, options.from);
    const { code, path = options.folder, message } = error as NodeJS.ErrnoException;
    if (code === undefined || !noRoom.has(code)) throw error;
    const reason = message.split(',')[0] ?? code;
    throw new ExplainedError(`cannot write ${path}: ${reason}; the same command goes on once there is room`, {
      cause: error,
    });
  }
}

const noRoom = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** What to do where no place gave a file; only the place that was typed can be wrong. */
function notDownloaded(cause: DownloadError, from: string | undefined): Error {
  const { message, isTemporary, arrived } = cause;
  if (isTemporary) {
    const fix = arrived > 0 ? 'run the same command again: it goes on with what has arrived' : 'try again later';
    return new ExplainedError(`${message}; ${fix}`, { cause });
  }
  if (from === undefined) return new ExplainedError(`${message}; name another place with --from`, { cause });
  return new UsageError(`${message}; --from needs a folder on the web that has this file`, { cause });
}

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

/** Shows what is still to come, and how fast it comes. */
function meter(progress: Progress): (received: number, total: number, file: string) => void {
  let [first, startMs] = [-1, 0];
  return (received, total, file) => {
    if (first < 0) {
      [first, startMs] = [received, Date.now()];
      progress.start(Math.max(1, total - first));
    }
    const rate = (received - first) / 1e6 / Math.max(0.001, (Date.now() - startMs) / 1000);
    progress.update(
      Math.max(0, received - first),
      `${megabytes(received)} of ${megabytes(total)} MB, ${rate.toFixed(1)} MB/s, ${file}`,
    );
  };
}
