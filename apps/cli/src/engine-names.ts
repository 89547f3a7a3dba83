/** The engines in the order in which `auto` tries them: the fastest first. */
export const engineNames = ['onednn', 'tensorflow', 'wasm', 'cpu'] as const;
export type EngineName = (typeof engineNames)[number];

/** What `--backend` takes. */
export const engineChoices = ['auto', ...engineNames] as const;
export type EngineChoice = (typeof engineChoices)[number];
