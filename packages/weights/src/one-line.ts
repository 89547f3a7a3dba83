const mostLetters = 1000;
// eslint-disable-next-line no-control-regex -- they are what is replaced
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;

/** Names from a hostile file may be long and hold newlines: the messages of `work`'s errors are one short line. */
export function inOneLine<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const line = error.message.replace(controls, ' ');
    if (line === error.message && line.length <= mostLetters) throw error;
    throw new Error(line.length > mostLetters ? `${line.slice(0, mostLetters)} …` : line, { cause: error });
  }
}
