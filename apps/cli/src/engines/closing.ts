type Close = () => void | Promise<void>;

const open = new Set<Close>();

/** What an engine holds beyond its tensors: the device of a GPU. */
export function closeAtEnd(close: Close): void {
  open.add(close);
}

/** Releases what engines hold; the last thing that a command does, however it ends. */
export async function closeEngines(): Promise<void> {
  for (const close of open) await close();
  open.clear();
}
