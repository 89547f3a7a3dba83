/** @throws TypeError for a promise: what follows an `await` would be out of a policy's reach. */
export function synchronous<T>(result: T): T {
  if (result instanceof Promise) {
    throw new TypeError('policy: step and autocast take synchronous functions; await outside of them');
  }
  return result;
}
