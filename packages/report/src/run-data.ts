/** Accuracies are shares in [0, 1], losses means over the examples. */
export interface Scores {
  loss: number;
  top1: number;
  top5: number;
}

/** A loss as trained, and where there is a teacher its terms: against the labels, and T²·KL from the teacher. */
export interface Losses {
  loss: number;
  hard?: number;
  soft?: number;
}

/** Of a mixed example, the share of the predicted class counts. */
export interface TrainingScores extends Losses {
  top1: number;
  top5: number;
}

/** A line of `metrics.jsonl` for each optimiser step. */
export interface StepRecord extends TrainingScores {
  step: number;
  epoch: number;
  /** Learning rate. */
  rate: number;
  /** Loss scale. */
  scale: number;
  skipped: boolean;
  imagesPerSecond: number;
}

/** A line of `metrics.jsonl` for each epoch. */
export interface EpochRecord {
  epoch: number;
  /** Steps taken in all at its end. */
  step: number;
  train: TrainingScores;
  validation?: Scores;
  /** Of the averaged weights. */
  average?: Scores;
  seconds: number;
  imagesPerSecond: number;
}

/** A validation image that the network was sure of and wrong about. */
export interface Mistake {
  /** The image, as a PNG file beside `evaluation.json`. */
  file: string;
  label: number;
  predicted: number;
  /** Of the predicted class. */
  probability: number;
}

/** What the trained network makes of the validation images: `evaluation.json`. */
export interface Evaluation extends Scores {
  examples: number;
  /** How often a label was predicted as a class; what never happened is left out. */
  confusion: { label: number; predicted: number; count: number }[];
  mistakes: Mistake[];
}

/** Everything that a run's folder tells. */
export interface RunData {
  /** What the charts call it. */
  name: string;
  folder: string;
  config: Record<string, unknown>;
  classes: readonly string[];
  /** Versions and hardware that the run was made with. */
  environment: Record<string, string>;
  /** What was said at its start, a line each: `label smoothing: ε = 0.1`. */
  notes?: readonly string[];
  steps: readonly StepRecord[];
  epochs: readonly EpochRecord[];
  /** The first batch as the network saw it: a PNG. */
  firstBatch?: Uint8Array;
  evaluation?: Evaluation;
  /** PNGs of the mistakes, in their order. */
  mistakeImages: readonly Uint8Array[];
}

/** A row of an ablation study. */
export interface StudyRow {
  name: string;
  /** Top-1 of each seed in percent; those that are finished. */
  top1: number[];
  /** The paper's figure in percent. */
  paper?: number;
  /** Every cell of it that has begun, named by row and seed. */
  runs: RunData[];
}

export interface StudyData {
  folder: string;
  rows: StudyRow[];
}

/** The scores by which a run is judged: those of the averaged weights where there are any. */
export function finalScores({ epochs }: Pick<RunData, 'epochs'>): Scores | undefined {
  const last = epochs.at(-1);
  return last?.average ?? last?.validation;
}

/** Mean, and the deviation of a sample (n − 1), which one value does not have. */
export function meanAndDeviation(values: readonly number[]): { mean: number; deviation: number | undefined } {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  if (values.length < 2) return { mean, deviation: undefined };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (values.length - 1)) };
}
