import { check } from './check.js';
import type { Schedule } from './schedule.js';

export interface ScheduleCallbackOptions {
  /** The model that `fit` is called on; its optimizer is looked up when the training begins. Either this … */
  model?: { readonly optimizer?: object | null };
  /** … or the optimizer itself: any of `tf.train`. */
  optimizer?: object;
  /** Step of the first batch: more than 0 where a run goes on. */
  initialStep?: number;
  /** Told of every rate before its batch, for a log. */
  onRate?: (rate: number, step: number) => void;
}

/** Goes into the `callbacks` of `model.fit` and `model.fitDataset`. */
export interface ScheduleCallback {
  /** Step of the next batch; pass it as `initialStep` to go on later. */
  readonly step: number;
  onTrainBegin: () => void;
  onBatchBegin: () => void;
  /** Called only where `fit` would misuse this object: throws, and says what to do. */
  setParams: () => never;
}

/**
 * Lets a schedule drive the learning rate of a TensorFlow.js layers model: before batch n of all that this callback has
 * seen, over epochs and calls of `fit`, the optimizer's rate is set to `schedule(initialStep + n)`, n from 0. So the
 * first batch has its rate too.
 *
 * It has no more hooks than that, so it makes `fit` wait for no loss. Pass it alone or in a list of plain objects; next to
 * instances of `tf.Callback`, wrap it: `[tf.callbacks.earlyStopping(), new tf.CustomCallback(scheduleCallback(…))]`.
 *
 * @throws TypeError for an optimizer without a rate that can be set, an uncompiled model (when the training begins), or
 * unless exactly one of `model` and `optimizer` is given; RangeError for a rate that is negative or not finite (before
 * its batch), or an initialStep that is not an integer ≥ 0.
 * @example
 * await model.fit(images, labels, { callbacks: scheduleCallback(cosine({ from: 0.1, steps: 1000 }), { model }) });
 */
export function scheduleCallback(
  schedule: Schedule,
  { model, optimizer, initialStep = 0, onRate }: ScheduleCallbackOptions,
): ScheduleCallback {
  check('scheduleCallback', {}, { initialStep });
  if ((model === undefined) === (optimizer === undefined)) {
    throw new TypeError(
      'scheduleCallback: expected either model or optimizer; fit does not tell callbacks of its model',
    );
  }
  if (optimizer !== undefined) rateSetter(optimizer);
  let next = initialStep;
  const setRate = (): number => {
    const target = optimizer ?? model?.optimizer;
    if (target === undefined || target === null) {
      throw new TypeError('scheduleCallback: the model has no optimizer; call model.compile({ optimizer, … }) first');
    }
    const rate = schedule(next);
    if (!(rate >= 0 && rate < Infinity)) {
      throw new RangeError(`scheduleCallback: expected a finite rate ≥ 0, the schedule gave ${rate} at step ${next}`);
    }
    rateSetter(target)(rate);
    return rate;
  };
  return {
    get step() {
      return next;
    },
    onTrainBegin: () => {
      setRate();
    },
    onBatchBegin: () => {
      const rate = setRate();
      onRate?.(rate, next);
      next++;
    },
    setParams: () => {
      throw new TypeError(
        'scheduleCallback: in a list that begins with a tf.Callback, pass new tf.CustomCallback(scheduleCallback(…))',
      );
    },
  };
}

/**
 * How the rate of this optimizer is set. SGD and Momentum keep it as a tensor, which only `setLearningRate` replaces;
 * the others read their field `learningRate`, which TypeScript calls protected, at every update.
 */
function rateSetter(optimizer: object): (rate: number) => void {
  const method: unknown = Reflect.get(optimizer, 'setLearningRate');
  if (typeof method === 'function') return (rate) => void Reflect.apply(method, optimizer, [rate]);
  if (typeof Reflect.get(optimizer, 'learningRate') === 'number') {
    return (rate) => {
      if (!Reflect.set(optimizer, 'learningRate', rate)) {
        throw new TypeError(`scheduleCallback: the learningRate of ${nameOf(optimizer)} cannot be set`);
      }
    };
  }
  throw new TypeError(
    `scheduleCallback: ${nameOf(optimizer)} has neither setLearningRate() nor a number learningRate; pass an optimizer of tf.train`,
  );
}

function nameOf(optimizer: object): string {
  return optimizer.constructor.name;
}
