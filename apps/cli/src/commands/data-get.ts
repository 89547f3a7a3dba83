import { DownloadError, getDataset, type GetDatasetOptions, type GottenDataset } from '@bag/data/node';
import { join } from 'node:path';
import { UsageError } from '../errors.js';
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

/** A place that does not answer is nobody's mistake here: no more than what to do then is of interest. */
async function get(name: string, options: GetDatasetOptions): Promise<GottenDataset> {
  try {
    return await getDataset(name, options);
  } catch (error) {
    if (!(error instanceof DownloadError && error.isResumable)) throw error;
    throw new UsageError(`${error.message}; run the same command again: it goes on with what has arrived`, {
      cause: error,
    });
  }
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
