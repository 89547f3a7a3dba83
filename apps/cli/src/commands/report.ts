import { comparison, runReport, studyReport } from '@bag/report';
import { isStudy, readRunData, readStudyData, writeReport } from '@bag/report/node';
import { basename, dirname, join, resolve } from 'node:path';
import { createFolder } from '../paths.js';
import { UsageError } from '../errors.js';

/** Writes the report of a run, of a study, or of several runs side by side. */
export async function reportCommand(folders: string[], { out }: { out?: string }): Promise<void> {
  const [only] = folders as [string];
  const path = out ?? (folders.length === 1 ? join(only, 'report.html') : 'report.html');
  const report = await reportOf(folders).catch((error: unknown) => {
    throw new UsageError((error as Error).message);
  });
  await createFolder(dirname(path));
  await writeReport(report, path);
  console.log(path);
}

async function reportOf(folders: string[]) {
  const [only] = folders as [string];
  if (folders.length === 1) {
    return (await isStudy(only)) ? studyReport(await readStudyData(only)) : runReport(await readRunData(only));
  }
  return comparison(await Promise.all(folders.map((folder) => readRunData(folder, nameOf(folder, folders)))));
}

/** A folder's own name, with its parent's where two are called alike. */
function nameOf(folder: string, folders: string[]): string {
  const name = basename(resolve(folder));
  const alike = folders.filter((other) => basename(resolve(other)) === name);
  return alike.length === 1 ? name : join(basename(dirname(resolve(folder))), name);
}
