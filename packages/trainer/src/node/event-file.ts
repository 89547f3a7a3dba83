import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

export interface EventFileOptions {
  /** Everything that older files of the folder say of this step and later ones is void. */
  fromStep?: number;
  /** Milliseconds since 1970; orders the folder's files by their names. */
  time?: number;
}

/**
 * Scalars as TensorBoard reads them: a file of TFRecords, each an `Event` message. A file is only ever appended to; a
 * run that is resumed begins another one, which tells TensorBoard to forget what it will write again.
 *
 * Source: TensorFlow's `event.proto`, `summary.proto` and `record_writer.h`.
 * @example
 * const events = await EventFile.create('runs/mine');
 * await events.scalars(1, { loss: 2.3, 'learning rate': 0.1 });
 */
export class EventFile {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Begins a file in `folder`. */
  static async create(folder: string, { fromStep, time = Date.now() }: EventFileOptions = {}): Promise<EventFile> {
    const file = new EventFile(join(folder, `events.out.tfevents.${Math.floor(time / 1000)}.${process.pid}`));
    await mkdir(folder, { recursive: true });
    await file.#append(event(time, 0, [bytes(field.fileVersion, Buffer.from('brain.Event:2'))]));
    if (fromStep !== undefined) {
      const start = [tag(field.status, wire.varint), varint(1)];
      await file.#append(event(time, fromStep, [bytes(field.sessionLog, Buffer.concat(start))]));
    }
    return file;
  }

  /** Adds the values at `step`, by their tags; a tag's part before a slash groups its charts. */
  async scalars(step: number, values: Readonly<Record<string, number>>, time = Date.now()): Promise<void> {
    const summary = Object.entries(values).map(([name, value]) => {
      const number = Buffer.alloc(4);
      number.writeFloatLE(value);
      const parts = [bytes(field.tag, Buffer.from(name)), tag(field.simpleValue, wire.fixed32), number];
      return bytes(field.value, Buffer.concat(parts));
    });
    await this.#append(event(time, step, [bytes(field.summary, Buffer.concat(summary))]));
  }

  #append(message: Buffer): Promise<void> {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(message.length));
    return appendFile(this.path, Buffer.concat([length, checksum(length), message, checksum(message)]));
  }
}

/** Field numbers of Event, SessionLog, Summary and Summary.Value. */
const field = {
  wallTime: 1,
  step: 2,
  fileVersion: 3,
  summary: 5,
  sessionLog: 7,
  status: 1,
  value: 1,
  tag: 1,
  simpleValue: 2,
};

/** How protocol buffers encode a field. */
const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 };

function event(time: number, step: number, what: Buffer[]): Buffer {
  const seconds = Buffer.alloc(8);
  seconds.writeDoubleLE(time / 1000);
  const steps = step === 0 ? [] : [tag(field.step, wire.varint), varint(step)];
  return Buffer.concat([tag(field.wallTime, wire.fixed64), seconds, ...steps, ...what]);
}

function tag(number: number, type: number): Buffer {
  return varint(number * 8 + type);
}

function bytes(number: number, content: Buffer): Buffer {
  return Buffer.concat([tag(number, wire.bytes), varint(content.length), content]);
}

function varint(value: number): Buffer {
  const digits: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) digits.push((value % 128) + 128);
  return Buffer.from([...digits, value]);
}

/** CRC-32C, rotated and shifted as TFRecords have it, so that a checksum of checksums is none of zeros. */
function checksum(content: Buffer): Buffer {
  let crc = 0xffffffff;
  for (const byte of content) crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 255] as number);
  crc = ~crc >>> 0;
  const masked = Buffer.alloc(4);
  masked.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  return masked;
}

/** Of the Castagnoli polynomial, bits reversed. */
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});
