import type { Config } from './config/schema.js';

/** What `config.json` of a run holds. */
export interface SavedRun {
  config: Config;
  /** Class names, in the order of the logits. */
  classes: string[];
  /** How many images of each split, and what identifies the training labels. */
  images: { train: number; validation: number; labels: string };
  /** Versions and hardware that the run was made with. */
  versions: Record<string, string>;
  /** What each trick did, and what else was said at the start: a line each, its subject before the first colon. */
  notes?: string[];
}
