import type { FileHandle } from 'node:fs/promises';
import { Header, Pax } from 'tar';

/** Tar counts in blocks: a header is one, and contents are filled up to whole ones. */
export const tarBlock = 512;

/** A file in a tar archive. */
export interface TarMember {
  name: string;
  /** Where its content begins, just after its header. */
  offset: number;
  size: number;
}

export const filledUp = (size: number) => Math.ceil(size / tarBlock) * tarBlock;

/** The header of a file of the archive; the same for the same arguments, whenever it is made. */
export function tarHeader(name: string, size: number): Buffer {
  const block = Buffer.alloc(tarBlock);
  const header = new Header({ path: name, size, type: 'File', mode: 0o644, uid: 0, gid: 0, mtime: new Date(0) });
  if (header.encode(block, 0)) throw new RangeError(`${name}, ${size} bytes: more than a tar header can say`);
  return block;
}

/** Whether a block is the header of a file of that size. */
export function isTarHeader(block: Uint8Array, size: number): boolean {
  const header = new Header(Buffer.from(block.buffer, block.byteOffset, tarBlock));
  return header.cksumValid && header.size === size;
}

/**
 * The files in a tar archive (ustar, pax or GNU), by their headers alone.
 * @param read Gives `length` bytes at an offset, or fewer at the end of the file.
 * @throws Error naming the archive where it is cut off or damaged.
 */
export async function* tarMembers(path: string, size: number, read: ReadAt): AsyncGenerator<TarMember> {
  const cutOff = () => new Error(`${path} is cut off after ${size} bytes; copy or make it again`);
  let extended: { path?: string; size?: number } = {};
  for (let at = 0; ;) {
    const block = await read(at, tarBlock);
    if (block.length < tarBlock) throw cutOff();
    const header = new Header(block, 0, extended);
    if (header.nullBlock) return;
    if (!header.cksumValid || header.size === undefined) {
      throw new Error(
        `${path} has no tar header at byte ${at}; it is damaged, or no tar archive: copy or make it again`,
      );
    }
    const offset = at + tarBlock;
    if (offset + header.size > size) throw cutOff();
    const content = async () => (await read(offset, header.size ?? 0)).toString('utf8');
    extended = {};
    if (header.type === 'ExtendedHeader') extended = Pax.parse(await content());
    else if (header.type === 'NextFileHasLongPath') extended = { path: (await content()).replace(/\0.*$/s, '') };
    else if (isFile(header.type)) yield { name: header.path ?? '', offset, size: header.size };
    at = offset + filledUp(header.size);
  }
}

const isFile = (type: string) => type === 'File' || type === 'OldFile' || type === 'ContiguousFile';

export type ReadAt = (offset: number, length: number) => Promise<Buffer>;

/** Reads at offsets by way of a window, since headers, labels and the next headers lie close together. */
export function windowed(file: FileHandle, windowBytes = 8 * tarBlock): ReadAt {
  let [start, window] = [0, Buffer.alloc(0)];
  return async (offset, length) => {
    if (offset < start || offset + length > start + window.length) {
      const bytes = Buffer.alloc(Math.max(windowBytes, length));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, offset);
      [start, window] = [offset, bytes.subarray(0, bytesRead)];
    }
    return window.subarray(offset - start, offset - start + length);
  };
}
