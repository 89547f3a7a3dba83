#include "copy_box.h"
#include "kernels.h"

namespace bag {

/** y's axis i is x's axis perm[i]. */
void Transpose(Arguments& in) {
  const Tensor x = in.any(), y = in.tensor(x.dtype);
  const auto perm = in.integers();
  require(y.rank == x.rank && static_cast<int>(perm.size()) == x.rank, "expected one axis for each of the tensor's");
  const auto from = stridesOf(x), to = stridesOf(y);
  Box box;
  unsigned seen = 0;
  for (int i = 0; i < y.rank; i++) {
    const int64_t axis = perm[i];
    require(axis >= 0 && axis < x.rank && (seen >> axis & 1) == 0, "expected a permutation of the axes");
    seen |= 1u << axis;
    require(y.shape[i] == x.shape[axis], "the output's shape is not the permuted one");
    box.add(y.shape[i], from[axis], to[i]);
  }
  copyBox(box, x.data, y.data, x.dtype);
}

}  // namespace bag
