#include "copy_box.h"
#include "kernels.h"

namespace bag {

/** y[i, j, …] = x[begin₀ + i·step₀, begin₁ + j·step₁, …] */
void Slice(Arguments& in) {
  const Tensor x = in.any(), y = in.tensor(x.dtype);
  const auto begin = in.integers(), step = in.integers();
  const auto rank = static_cast<size_t>(x.rank);
  require(y.rank == x.rank && begin.size() == rank && step.size() == rank, "expected a begin and a step for each axis");
  const auto from = stridesOf(x), to = stridesOf(y);
  Box box;
  int64_t first = 0;
  for (int i = 0; i < x.rank; i++) {
    const int64_t size = y.shape[i];
    // One element needs no step, and what it would be is not checked.
    const int64_t stride = size > 1 ? step[i] : 1;
    int64_t last;
    require(!__builtin_mul_overflow(size - 1, stride, &last) && !__builtin_add_overflow(last, begin[i], &last),
            "a slice is out of bounds");
    require(size == 0 || (begin[i] >= 0 && begin[i] < x.shape[i] && last >= 0 && last < x.shape[i]),
            "a slice is out of bounds");
    first += begin[i] * from[i];
    box.add(size, stride * from[i], to[i]);
  }
  if (y.size > 0) copyBox(box, at(x, first), y.data, x.dtype);
}

/** y[i, i] = x[i], 0 elsewhere. */
void Diag(Arguments& in) {
  const Tensor x = in.any(), y = in.tensor(x.dtype);
  require(y.rank == 2 && y.dim(0) == x.size && y.dim(1) == x.size, "expected a square output");
  const uint32_t zero = 0;
  Box all, diagonal;
  all.add(y.size, 0, 1);
  diagonal.add(x.size, 1, x.size + 1);
  copyBox(all, &zero, y.data, x.dtype);
  copyBox(diagonal, x.data, y.data, x.dtype);
}

}  // namespace bag
