import { bagRun, normalization, plan, totalSteps } from './bag-run.js';
import { LossCurve } from './curve.js';
import { EngineError, type EngineName, engineNames, startEngine, whatIsLacking } from './engines.js';
import { drawPictures } from './pictures.js';
import { medianOf } from './median.js';

/** What the address asks for: `?engine=webgl&seed=3&autostart`. */
const query = new URLSearchParams(location.search);

const form = find('form', HTMLFormElement);
const start = find('#start', HTMLButtonElement);
const status = find('#status', HTMLElement);
const curve = find('#curve', SVGSVGElement);
const figures = {
  step: find('#step', HTMLElement),
  loss: find('#loss', HTMLElement),
  time: find('#time', HTMLElement),
  accuracy: find('#accuracy', HTMLElement),
};

let running: AbortController | undefined;
let loss = new LossCurve(curve, { steps: totalSteps });

form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (running === undefined) void run();
  else running.abort();
});
await offerEngines();
if (query.has('autostart')) await run();

/** Marks what cannot start here, and chooses what was asked for, or else the first that can. */
async function offerEngines(): Promise<void> {
  const seed = query.get('seed');
  if (seed !== null) find('#seed', HTMLInputElement).value = seed;
  const wanted = engineNames.find((name) => name === query.get('engine'));
  let chosen = wanted;
  for (const name of engineNames) {
    const lacking = await whatIsLacking(name);
    const note = find(`#${name}-note`, HTMLElement);
    if (lacking !== undefined) note.textContent = lacking;
    note.classList.toggle('lacking', lacking !== undefined);
    choice(name).disabled = lacking !== undefined && name !== wanted;
    if (lacking === undefined) chosen ??= name;
  }
  choice(chosen ?? 'cpu').checked = true;
  start.disabled = false;
}

async function run(): Promise<void> {
  const name = new FormData(form).get('engine') as EngineName;
  const seed = find('#seed', HTMLInputElement).valueAsNumber;
  running = new AbortController();
  start.textContent = 'Stop';
  show('running', `${name} starts …`);
  loss = new LossCurve(curve, { steps: totalSteps });
  const stepMs: number[] = [];
  find('#losses', HTMLElement).textContent = '';
  for (const value of Object.values(figures)) value.textContent = '–';
  try {
    await startEngine(name);
    show('running', `${name} trains; the first step compiles, and takes longer`);
    const { losses, accuracy } = await bagRun({
      seed,
      signal: running.signal,
      onEvent: (event) => {
        if (event.kind === 'start') tell(event.notes);
        if (event.kind === 'first-batch') drawPictures(find('canvas', HTMLCanvasElement), { ...event, normalization });
        if (event.kind !== 'step') return;
        loss.add(event.loss);
        stepMs.push((event.examples / event.imagesPerSecond) * 1e3);
        figures.step.textContent = `${event.step + 1} of ${totalSteps}`;
        figures.loss.textContent = event.loss.toFixed(3);
        figures.time.textContent = `${medianOf(stepMs).toFixed(medianOf(stepMs) < 10 ? 1 : 0)} ms`;
      },
    });
    find('#losses', HTMLElement).textContent = losses.join('\n');
    if (accuracy === undefined) {
      show('stopped', `stopped after ${losses.length} steps`);
      return;
    }
    figures.accuracy.textContent = `${(accuracy * 100).toFixed(1)} %`;
    const right = Math.round(accuracy * plan.validationImages);
    show('done', `${name}: done; ${right} of ${plan.validationImages} images that it never saw are named rightly`);
  } catch (error) {
    show('failed', error instanceof EngineError ? error.message : `the run failed: ${String(error)}`);
    if (!(error instanceof EngineError)) throw error;
  } finally {
    running = undefined;
    start.textContent = 'Start';
  }
}

/** What each trick did. */
function tell(notes: readonly string[]): void {
  const items = notes.map((note) => {
    const item = document.createElement('li');
    item.textContent = note;
    return item;
  });
  find('#notes', HTMLUListElement).replaceChildren(...items);
}

/** The state is for style sheets and tests, the sentence for people. */
function show(state: 'running' | 'done' | 'stopped' | 'failed', sentence: string): void {
  document.documentElement.dataset['state'] = state;
  status.textContent = sentence;
}

function choice(name: EngineName): HTMLInputElement {
  return find(`input[value=${name}]`, HTMLInputElement);
}

function find<E extends Element>(selector: string, kind: new () => E): E {
  const found = document.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`index.html has no ${selector}`);
  return found;
}
