#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels.h"
#include "parallel.h"

namespace bag {

namespace {

template <typename T>
void largestFirst(const T* x, T* values, int32_t* indices, int64_t rows, int64_t length, int64_t count) {
  parallelFor(rows, 4 * length, [=](int64_t from, int64_t to) {
    std::vector<int32_t> order(static_cast<size_t>(length));
    for (int64_t row = from; row < to; row++) {
      const T* own = x + row * length;
      std::iota(order.begin(), order.end(), 0);
      // The first of equals comes first, a NaN last.
      std::partial_sort(order.begin(), order.begin() + count, order.end(), [=](int32_t a, int32_t b) {
        const bool aIsNumber = own[a] == own[a], bIsNumber = own[b] == own[b];
        if (aIsNumber != bIsNumber) return aIsNumber;
        return own[a] > own[b] || (!(own[a] < own[b]) && a < b);
      });
      for (int64_t i = 0; i < count; i++) {
        indices[row * count + i] = order[i];
        values[row * count + i] = own[order[i]];
      }
    }
  });
}

}  // namespace

/** The largest values of each row of the last axis, in descending order, and where they stand. */
void TopK(Arguments& in) {
  const Tensor x = in.tensor(), values = in.tensor(x.dtype), indices = in.tensor(DType::int32);
  require(x.rank > 0 && x.size > 0 && x.last() <= INT32_MAX, "expected rows of values");
  const int64_t length = x.last(), rows = x.size / length, count = in.integer(0, length);
  require(values.size == rows * count && indices.size == values.size, "the outputs do not fit");
  if (x.dtype == DType::float32) largestFirst(x.floats(), values.floats(), indices.ints(), rows, length, count);
  else if (x.dtype == DType::int32) largestFirst(x.ints(), values.ints(), indices.ints(), rows, length, count);
  else largestFirst(x.bools(), values.bools(), indices.ints(), rows, length, count);
}

}  // namespace bag
