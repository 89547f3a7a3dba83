#include "copy_box.h"
#include "kernels.h"

namespace bag {

/** Repeats x along each axis as often as it fits into y. */
void Tile(Arguments& in) {
  const Tensor x = in.any(), y = in.tensor(x.dtype);
  require(y.rank == x.rank, "the output differs in rank from the input");
  const auto from = stridesOf(x), to = stridesOf(y);
  Box box;
  for (int i = 0; i < x.rank; i++) {
    const int64_t size = x.shape[i], times = size == 0 ? 0 : y.shape[i] / size;
    require(times * size == y.shape[i], "the output is no multiple of the input");
    box.add(times, 0, size * to[i]);
    box.add(size, from[i], to[i]);
  }
  copyBox(box, x.data, y.data, x.dtype);
}

}  // namespace bag
