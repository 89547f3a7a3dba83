/** Engines that compute on a GPU, in the order in which `auto` looks for them. */
export const gpuEngines = ['tensorflow-gpu', 'webgpu'] as const;

/** Engines that compute on the processor: the fastest first. */
export const processorEngines = ['onednn', 'tensorflow', 'wasm', 'cpu'] as const;

export const engineNames = [...gpuEngines, ...processorEngines] as const;
export type EngineName = (typeof engineNames)[number];

/** What `--backend` takes. */
export const engineChoices = ['auto', ...engineNames] as const;
export type EngineChoice = (typeof engineChoices)[number];

/** The TensorFlow.js backend that an engine is. */
export const backendOf = (name: EngineName): string => (name === 'tensorflow-gpu' ? 'tensorflow' : name);
