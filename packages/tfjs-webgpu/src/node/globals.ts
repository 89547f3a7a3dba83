/** What the backend takes from the global object while it runs. */
const names = ['GPUBuffer', 'GPUTexture', 'GPUBufferUsage', 'GPUMapMode'] as const;

/** Defines what the backend looks for, where it is missing. @returns what takes it away again. */
export function defineGlobals(globals: Readonly<Record<string, unknown>>): () => void {
  const missing = names.filter((name) => !(name in globalThis));
  for (const name of missing) define(globalThis, name, globals[name]);
  return () => {
    for (const name of missing) Reflect.deleteProperty(globalThis, name);
  };
}

/**
 * Runs `f` with a `navigator.gpu`, which the backend's constructor asks for. TensorFlow.js takes whatever has a
 * `navigator` for a browser, and so do others: where there is none, there must be none afterwards.
 */
export function withNavigatorGpu<T>(gpu: GPU, f: () => T): T {
  const [owner, name, value] =
    typeof navigator === 'undefined' ? [globalThis, 'navigator', { gpu }] : [navigator, 'gpu', gpu];
  const before = Object.getOwnPropertyDescriptor(owner, name);
  define(owner, name, value);
  try {
    return f();
  } finally {
    Reflect.deleteProperty(owner, name);
    if (before !== undefined) Object.defineProperty(owner, name, before);
  }
}

function define(owner: object, name: string, value: unknown): void {
  Object.defineProperty(owner, name, { value, configurable: true, enumerable: false, writable: true });
}
