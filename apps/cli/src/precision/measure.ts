import { policy } from '@bag/mixed-precision';
import { NonFiniteLossError } from '@bag/trainer';
import type { Config } from '../config/schema.js';
import { median } from '../median.js';
import { modelOf } from '../network.js';
import { timedBatch, timedTraining } from '../timed-training.js';
import { keepTimes, knownTimes } from './known.js';
import type { HalfPrecision, PrecisionTimes } from './times.js';

/** When a small network's measurement ends, and when any does. */
const enoughMs = 1000;
const mostMs = 5000;
/** Steps of each precision that are enough. */
const enoughSteps = 5;
/** Of the activations of a timed step. */
const mostBytes = 2 ** 28;

/**
 * Times training steps of a configuration in 16 bits and in 32 on the current engine, one after the other in turn; what
 * is known already is not measured again. A teacher, whose time is the same in both, is left out.
 * @returns Nothing where the engine only emulates 16 bits, or where noise overflows in them.
 */
export async function precisionTimes(config: Config, half: HalfPrecision): Promise<PrecisionTimes | undefined> {
  if (policy({ dtype: half }).emulated) return undefined;
  const known = knownTimes(config, half);
  if (known !== undefined) return known;
  try {
    const times = await measure(config, half);
    keepTimes(config, times);
    return times;
  } catch (error) {
    // The run itself may do better: it has its own images and a loss scale.
    if (error instanceof NonFiniteLossError) return undefined;
    throw error;
  }
}

async function measure(config: Config, half: HalfPrecision): Promise<PrecisionTimes> {
  const startMs = performance.now();
  const spent = () => performance.now() - startMs;
  const alone = { ...config, distillation: { ...config.distillation, teacher: null } };
  const batch = timedBatch({ ...config, precision: 'fp32' }, mostBytes);
  const classes = modelOf(config).family === 'cifar' ? 10 : 1000;
  // Each has its own network: on a shared one bf16 would round weights that an fp32 step has changed, 3 % of its time.
  const full = timedTraining({ ...alone, precision: 'fp32' }, { classes, batch });
  const narrow = timedTraining({ ...alone, precision: half }, { classes, batch });
  const fullMs: number[] = [];
  const narrowMs: number[] = [];
  try {
    // The engine prepares for the shapes of each.
    await full.stepMs();
    await narrow.stepMs();
    let pairMs: number;
    do {
      const beforeMs = spent();
      fullMs.push(await full.stepMs());
      narrowMs.push(await narrow.stepMs());
      pairMs = spent() - beforeMs;
    } while (spent() + pairMs < (fullMs.length < enoughSteps ? mostMs : enoughMs));
  } finally {
    full.dispose();
    narrow.dispose();
  }
  return {
    half,
    halfMs: median(narrowMs),
    fp32Ms: median(fullMs),
    ...(batch < config.batch * config.accumulate && { images: batch }),
  };
}
