/** The work failed, and the message says all about it: one line that names the culprit and the fix, exit code 1. */
export class ExplainedError extends Error {
  override readonly name: string = 'ExplainedError';
}

/** The command or its configuration was wrong: such a line too, exit code 2. */
export class UsageError extends ExplainedError {
  override readonly name = 'UsageError';
}

/** The candidate nearest to what was typed, as a question for the end of an error; empty where none is near. */
export function didYouMean(typed: string, candidates: readonly string[]): string {
  const [best] = candidates
    .map((candidate) => ({ candidate, distance: editDistance(typed.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  if (best === undefined || best.distance > Math.max(2, Math.floor(typed.length / 3))) return '';
  return `; did you mean ${best.candidate}?`;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (previous[j] as number) + 1, (row[j - 1] as number) + 1));
    }
    previous = row;
  }
  return previous[b.length] as number;
}
