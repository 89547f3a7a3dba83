const namespace = 'http://www.w3.org/2000/svg';
const [width, height] = [640, 276];
const margin = { top: 28, right: 12, bottom: 34, left: 44 };

export interface CurveOptions {
  /** The horizontal axis' end. */
  steps: number;
}

/** A loss curve that grows: each step's loss, thin, and their running mean, bold. */
export class LossCurve {
  readonly #losses: number[] = [];
  readonly #each: SVGPathElement;
  readonly #mean: SVGPathElement;
  readonly #axes: SVGGElement;
  #top = 0;

  constructor(
    private readonly svg: SVGSVGElement,
    private readonly options: CurveOptions,
  ) {
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.#axes = element('g', { class: 'axes' });
    this.#each = element('path', { class: 'each' });
    this.#mean = element('path', { class: 'mean' });
    svg.replaceChildren(this.#axes, this.#each, this.#mean);
    this.#scaleTo(1);
  }

  add(loss: number): void {
    this.#losses.push(loss);
    if (loss > this.#top) this.#scaleTo(loss);
    this.#each.setAttribute('d', this.#line(this.#losses));
    this.#mean.setAttribute('d', this.#line(runningMean(this.#losses)));
    const at = this.#losses.length;
    const label = `Loss after ${at} of ${this.options.steps} steps: from ${(this.#losses[0] ?? 0).toFixed(2)} to ${loss.toFixed(2)}`;
    this.svg.setAttribute('aria-label', label);
  }

  #scaleTo(loss: number): void {
    const tick = tickFor(loss);
    this.#top = Math.ceil(loss / tick) * tick;
    const { steps } = this.options;
    const across = [0, 1, 2, 3, 4].map((i) => {
      const step = Math.round((i / 4) * steps);
      return text(this.#x(step), height - margin.bottom + 16, 'middle', String(step));
    });
    const up = Array.from({ length: Math.round(this.#top / tick) + 1 }, (_, i) => {
      const y = this.#y(i * tick);
      const line = element('line', { x1: margin.left, x2: width - margin.right, y1: y, y2: y });
      return [line, text(margin.left - 8, y + 4, 'end', (i * tick).toFixed(tick < 1 ? 1 : 0))];
    });
    const names = [text((margin.left + width) / 2, height - 2, 'middle', 'step'), text(4, 14, 'start', 'loss')];
    this.#axes.replaceChildren(...up.flat(), ...across, ...names);
  }

  #line(values: number[]): string {
    return values
      .map((value, i) => `${i === 0 ? 'M' : 'L'}${this.#x(i + 1).toFixed(1)} ${this.#y(value).toFixed(1)}`)
      .join('');
  }

  #x(step: number): number {
    return margin.left + (step / this.options.steps) * (width - margin.left - margin.right);
  }

  #y(loss: number): number {
    return height - margin.bottom - (loss / this.#top) * (height - margin.top - margin.bottom);
  }
}

/** Of the last ten, or as many as there are. */
function runningMean(values: number[]): number[] {
  return values.map((_, i) => {
    const last = values.slice(Math.max(0, i - 9), i + 1);
    return last.reduce((sum, value) => sum + value, 0) / last.length;
  });
}

/** A round distance of three to six ticks. */
function tickFor(top: number): number {
  return [0.1, 0.2, 0.5, 1, 2, 5].find((tick) => top / tick <= 6) ?? 10 ** Math.ceil(Math.log10(top / 6));
}

function element<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Record<string, string | number>,
): SVGElementTagNameMap[Name] {
  const made = document.createElementNS(namespace, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

function text(x: number, y: number, anchor: 'start' | 'middle' | 'end', content: string): SVGTextElement {
  const made = element('text', { x, y, 'text-anchor': anchor });
  made.textContent = content;
  return made;
}
