/** An engine that cannot start or go on: the reason, then what helps, in one line: `reason; fix`. */
export class WebGpuError extends Error {
  override readonly name = 'WebGpuError';
  readonly reason: string;
  readonly fix: string;

  constructor(reason: string, fix: string, options?: ErrorOptions) {
    super(`${reason}; ${fix}`, options);
    this.reason = reason;
    this.fix = fix;
  }
}

/** Bytes as a person reads them: `1.5 GiB`. */
export function inBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB'];
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  const value = bytes / 2 ** (10 * power);
  return `${power === 0 ? value : value.toFixed(value < 10 ? 2 : 0)} ${units[power] as string}`;
}
