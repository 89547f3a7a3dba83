// One side of a comparison: a process that does a piece of work for each line it gets, and answers with a line of JSON.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export class Contender {
  #child;
  #answers;
  #errors = '';

  /** @param {string} name @param {string} command @param {string[]} args @param {Record<string, string>} environment */
  constructor(name, command, args, environment = {}) {
    this.name = name;
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
    this.#child.stderr.on('data', (text) => (this.#errors += text));
    this.#child.stdin.on('error', () => undefined);
    this.#child.on('error', (error) => (this.#errors += error.message));
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Sends a line and waits for the answer. */
  async ask(line) {
    this.#child.stdin.write(`${line}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`${this.name} ended: ${this.#errors.trim().split('\n').slice(-3).join(' | ')}`);
    return JSON.parse(value);
  }

  /** The same, but undefined after so long; the process is ended then. */
  async askFor(line, limitMs) {
    let timer;
    const limit = new Promise((resolve) => (timer = setTimeout(resolve, limitMs)));
    const answer = await Promise.race([this.ask(line), limit]);
    clearTimeout(timer);
    if (answer === undefined) this.#child.kill();
    return answer;
  }

  async end() {
    this.#child.stdin.end();
    await new Promise((resolve) => (this.#child.exitCode === null ? this.#child.once('exit', resolve) : resolve()));
  }
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * The contenders' times for the same line, in turn, after a warm-up. Each ratio is of one round, so that a machine that
 * is slower for a while is so for all.
 * @returns {Promise<Map<string, {ms: number[], median: number}>>}
 */
export async function interleave(contenders, line, { rounds, warmup, onRound = () => undefined }) {
  const times = new Map(contenders.map(({ name }) => [name, []]));
  for (let round = -warmup; round < rounds; round++) {
    for (const contender of contenders) {
      const { ms } = await contender.ask(line);
      if (round >= 0) times.get(contender.name).push(ms);
    }
    onRound(round);
  }
  return new Map([...times].map(([name, ms]) => [name, { ms, median: median(ms) }]));
}

/** The median over the rounds of other/own: above 1 where `own` is faster. */
export function speedup(results, own, other) {
  const [a, b] = [results.get(own).ms, results.get(other).ms];
  return median(a.map((ms, i) => b[i] / ms));
}
