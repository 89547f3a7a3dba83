import { type Finding, checkDataset } from '@bag/data/node';
import { UsageError } from '../errors.js';
import { withProgress } from '../progress.js';

export interface DataCheckFlags {
  all?: boolean;
  json?: boolean;
  workers?: number;
}

const meaning: Record<Finding['problem'], string> = {
  unreadable: 'not decodable; skipped in training',
  truncated: 'cut off or damaged inside; skipped in training',
  duplicate: 'groups of images with the same pixels',
  'odd size': 'unlike the others',
  ignored: 'files and folders that are not read',
};

const shown = 5;

/** Lists what is wrong with a data set; the exit code is 1 where anything is. */
export async function dataCheckCommand(folder: string, flags: DataCheckFlags): Promise<void> {
  const check = await withProgress(async (progress) => {
    let started = false;
    try {
      return await checkDataset(folder, {
        ...(flags.workers !== undefined && { workers: flags.workers }),
        onProgress: (done, total) => {
          if (!started) progress.start(total);
          started = true;
          progress.update(done, 'decoding');
        },
      });
    } catch (error) {
      throw new UsageError((error as Error).message);
    }
  });
  const { classes, train, validation, missing, findings } = check;
  process.exitCode = findings.length === 0 ? 0 : 1;
  if (flags.json === true) {
    console.log(JSON.stringify(check));
    return;
  }
  console.log(`${train} training and ${validation} validation images of ${classes.length} classes`);
  if (missing !== undefined) {
    console.log(`no validation split: ${folder} has no ${missing}; add it, or nothing is validated`);
  }
  for (const problem of Object.keys(meaning) as Finding['problem'][]) {
    const found = findings.filter((finding) => finding.problem === problem);
    if (found.length === 0) continue;
    console.log(`\n${problem}, ${found.length}: ${meaning[problem]}`);
    const listed = flags.all === true ? found : found.slice(0, shown);
    for (const { images, detail } of listed) console.log(`  ${images.join(' = ')}  (${detail})`);
    if (listed.length < found.length) console.log(`  … and ${found.length - listed.length} more (--all lists them)`);
  }
  if (findings.length === 0) console.log('nothing is wrong: all can be read, none is there twice, sizes agree');
}
