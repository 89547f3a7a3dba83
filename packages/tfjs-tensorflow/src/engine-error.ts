/** Why an engine cannot be had, and the command that would change it. */
export class EngineError extends Error {
  override name = 'EngineError';

  constructor(
    readonly reason: string,
    readonly fix: string,
    options?: ErrorOptions,
  ) {
    super(`${reason}; ${fix}`, options);
  }
}
