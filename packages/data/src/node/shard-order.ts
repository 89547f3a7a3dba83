import type { Random } from '@bag/random';

/**
 * A shuffled order that reads shards from beginning to end: their order is drawn, and then each image is drawn from a
 * buffer of the next `buffer` ones.
 *
 * @param counts Images of each shard; they are numbered through.
 * @returns A permutation of all numbers, which depends on the arguments and `random` only.
 * Source: the shuffle buffer of tf.data and WebDataset.
 */
export function bufferedOrder(counts: readonly number[], buffer: number, random: Random): Uint32Array {
  const firsts: number[] = [];
  let total = 0;
  for (const count of counts) {
    firsts.push(total);
    total += count;
  }
  const order = new Uint32Array(total);
  const waiting = new Uint32Array(Math.min(buffer, total));
  let [waits, drawn] = [0, 0];
  const draw = () => {
    const place = random.integer(waits);
    order[drawn++] = waiting[place] as number;
    return place;
  };
  for (const shard of random.permutation(counts.length)) {
    for (let i = 0; i < (counts[shard] as number); i++) {
      const place = waits < waiting.length ? waits++ : draw();
      waiting[place] = (firsts[shard] as number) + i;
    }
  }
  while (waits > 0) {
    const place = draw();
    waiting[place] = waiting[--waits] as number;
  }
  return order;
}
