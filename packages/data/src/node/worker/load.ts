import { createRandom } from '@bag/random';
import type { RawImage } from '../../image.js';
import { normalize } from '../../transforms/normalization.js';
import { planOf } from '../../transforms/plan.js';
import { transformOf } from '../../transforms/transforms.js';
import { decodeAnyFormat } from './any-format.js';
import { jpegHeader, type JpegHeader, type JpegScan } from './jpeg-header.js';
import type { DecodeOptions, Job } from './messages.js';
import { orient } from './orient.js';
import { Pixels, Undecodable } from './pixels.js';

let pixels = new Pixels();
/** Memory that is kept between images; a few have very many pixels. */
const mostKeptBytes = 2 ** 28;

const isSupported = (header: JpegHeader | undefined): header is JpegHeader & { scan: JpegScan } =>
  header?.scan !== undefined;

/** Runs what only `Undecodable` images fail; false for these, which another decoder may take. */
function attempt(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof Undecodable) return false;
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    // A damaged file led out of the memory: what is in it is not to be trusted.
    pixels = new Pixels();
    return false;
  } finally {
    if (pixels.bytes > mostKeptBytes) pixels = new Pixels();
  }
}

/** An image's pixels. */
export async function decode(bytes: Uint8Array, options: DecodeOptions): Promise<RawImage> {
  const header = jpegHeader(bytes);
  let image: RawImage | undefined;
  if (isSupported(header) && options.squareSize === undefined) attempt(() => (image = pixels.decode(bytes, header)));
  if (image === undefined || header === undefined) return decodeAnyFormat(bytes, options, header?.channels === 4);
  return options.orientation === 'stored' ? image : orient(image, header.orientation);
}

/** Decodes, transforms and normalises; of a JPEG file it decodes only what is looked at. */
export async function load(bytes: Uint8Array, options: DecodeOptions, job: NonNullable<Job['load']>): Promise<void> {
  const { transform, normalization, seed, epoch, index, into } = job;
  const random = () => createRandom({ seed, purpose: 'augment', epoch, index });
  const header = options.squareSize === undefined ? jpegHeader(bytes) : undefined;
  if (isSupported(header) && (options.orientation === 'stored' || header.orientation === 1)) {
    const plan = planOf(transform, header, random());
    if (plan !== undefined && attempt(() => pixels.transformJpeg(bytes, header, plan, normalization, into))) return;
  }
  const image = await decode(bytes, options);
  const plan = planOf(transform, image, random());
  if (plan !== undefined && attempt(() => pixels.transform(image, plan, normalization, into))) return;
  normalize(transformOf(transform)(image, random()).data, into, 0, normalization);
}
