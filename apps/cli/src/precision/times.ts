import type { Config } from '../config/schema.js';

export type Precision = Config['precision'];
/** One of 16 bits. */
export type HalfPrecision = Exclude<Precision, 'fp32'>;

/** How long a training step takes here in 16 bits and in 32. */
export interface PrecisionTimes {
  half: HalfPrecision;
  halfMs: number;
  fp32Ms: number;
  /** Images of a timed step, where they are fewer than the run's. */
  images?: number;
}

/** A smaller difference is one that measurements have, too. */
const clearly = 0.95;

/** The 16 bits where they are clearly faster, else fp32. */
export function fasterPrecision({ half, halfMs, fp32Ms }: PrecisionTimes): Precision {
  return halfMs <= clearly * fp32Ms ? half : 'fp32';
}

/** Why a precision was taken: `bf16, measured here: 105 ms a step, 158 in fp32`. */
export function whyChosen(precision: Precision, times: PrecisionTimes): string {
  const { own, other, otherName, step } = seenFrom(precision, times);
  return `${precision}, measured here: ${own} ms a ${step}, ${other} in ${otherName}`;
}

/** What 16 bits that were asked for cost: `bf16 as asked, 1.4 × the time of fp32 here (48 ms a step, 33 in fp32)`. */
export function costOfAsked(times: PrecisionTimes): string {
  const { half, halfMs, fp32Ms } = times;
  const { own, other, step } = seenFrom(half, times);
  const ratio = Number((halfMs / fp32Ms).toPrecision(2));
  return `${half} as asked, ${ratio} × the time of fp32 here (${own} ms a ${step}, ${other} in fp32)`;
}

/** Whether 16 bits that were asked for are clearly slower. */
export const slowsDown = ({ halfMs, fp32Ms }: PrecisionTimes): boolean => fp32Ms <= clearly * halfMs;

/** Both times, to be kept with a run: `bf16: 105 ms a step, fp32 158`. */
export function bothTimes(precision: Precision, times: PrecisionTimes): string {
  const { own, other, otherName, step } = seenFrom(precision, times);
  return `${precision}: ${own} ms a ${step}, ${otherName} ${other}`;
}

function seenFrom(precision: Precision, { half, halfMs, fp32Ms, images }: PrecisionTimes) {
  const [halfTime, fp32Time] = [shown(halfMs), shown(fp32Ms)];
  const step = images === undefined ? 'step' : `step of ${images} ${images === 1 ? 'image' : 'images'}`;
  return precision === 'fp32'
    ? { own: fp32Time, other: halfTime, otherName: half, step }
    : { own: halfTime, other: fp32Time, otherName: 'fp32', step };
}

const shown = (ms: number): string => ms.toFixed(ms < 10 ? 1 : 0);
