// Where along one axis the largest or the smallest value stands: the first of equals. A NaN is never it, but where it
// stands first.
#include <algorithm>
#include <limits>
#include <vector>

#include "kernels.h"
#include "parallel.h"

namespace bag {

namespace {

template <typename T, bool largest>
struct Order {
  using Limits = std::numeric_limits<T>;
  /** What no value is beyond. */
  static T worst() {
    if constexpr (Limits::has_infinity) return largest ? -Limits::infinity() : Limits::infinity();
    else return largest ? Limits::lowest() : Limits::max();
  }
  static bool beyond(T a, T b) { return largest ? a > b : a < b; }
};

template <typename T>
struct Best {
  T value;
  int64_t index;
};

/** The best of values [from, to) of a row, found block by block: which block by its extreme, then where in it. */
template <typename Order, typename T>
Best<T> bestOf(const T* x, int64_t from, int64_t to) {
  constexpr int64_t block = 256, width = 32;
  Best<T> best{Order::worst(), 0};
  int64_t found = -1;
  for (int64_t start = from; start < to; start += block) {
    const int64_t end = std::min(start + block, to);
    T extremes[width];
    std::fill(extremes, extremes + width, Order::worst());
    int64_t i = start;
    for (; i + width <= end; i += width) {
#pragma omp simd
      for (int64_t j = 0; j < width; j++) extremes[j] = Order::beyond(x[i + j], extremes[j]) ? x[i + j] : extremes[j];
    }
    T extreme = Order::worst();
    for (; i < end; i++) extreme = Order::beyond(x[i], extreme) ? x[i] : extreme;
    for (const T value : extremes) extreme = Order::beyond(value, extreme) ? value : extreme;
    if (!Order::beyond(extreme, best.value)) continue;
    best.value = extreme;
    found = start;
  }
  if (found >= 0) best.index = std::find(x + found, x + to, best.value) - x;
  return best;
}

template <typename Order, typename T>
void alongRows(const T* x, int32_t* y, int64_t rows, int64_t length) {
  // Too few rows to share among the threads are cut into pieces.
  const int64_t threads = omp_get_max_threads();
  const int64_t pieces = rows >= threads ? 1 : std::clamp<int64_t>(length / grain, 1, 4 * threads);
  std::vector<Best<T>> found(static_cast<size_t>(rows * pieces));
  parallelFor(rows * pieces, length / pieces, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) {
      const int64_t piece = i % pieces;
      found[i] = bestOf<Order>(x + i / pieces * length, length * piece / pieces, length * (piece + 1) / pieces);
    }
  });
  for (int64_t row = 0; row < rows; row++) {
    Best<T> best = found[row * pieces];
    for (int64_t piece = 1; piece < pieces; piece++) {
      const Best<T> other = found[row * pieces + piece];
      if (Order::beyond(other.value, best.value)) best = other;
    }
    const T first = x[row * length];
    y[row] = first != first ? 0 : static_cast<int32_t>(best.index);
  }
}

/** Column by column; a tile of them at a time. */
template <typename Order, typename T>
void alongColumns(const T* x, int32_t* y, int64_t outer, int64_t length, int64_t inner) {
  constexpr int64_t tileWidth = 512;
  const int64_t tiles = (inner + tileWidth - 1) / tileWidth;
  parallelFor(outer * tiles, length * std::min(inner, tileWidth), [=](int64_t from, int64_t to) {
    T best[tileWidth];
    for (int64_t item = from; item < to; item++) {
      const int64_t column = item % tiles * tileWidth, columns = std::min(tileWidth, inner - column);
      const T* first = x + item / tiles * length * inner + column;
      int32_t* index = y + item / tiles * inner + column;
      std::fill(best, best + columns, Order::worst());
      std::fill(index, index + columns, 0);
      for (int64_t row = 0; row < length; row++) {
        const T* values = first + row * inner;
        const auto place = static_cast<int32_t>(row);
#pragma omp simd
        for (int64_t i = 0; i < columns; i++) {
          const bool better = Order::beyond(values[i], best[i]);
          best[i] = better ? values[i] : best[i];
          index[i] = better ? place : index[i];
        }
      }
      for (int64_t i = 0; i < columns; i++) index[i] = first[i] != first[i] ? 0 : index[i];
    }
  });
}

}  // namespace

/** Indices along an axis of x, of the largest values or of the smallest. */
void ArgExtreme(Arguments& in) {
  const Tensor x = in.tensor(), y = in.tensor(DType::int32);
  const auto axis = static_cast<int>(in.integer(0, std::max(x.rank - 1, 0)));
  const bool largest = in.flag();
  require(x.size > 0 && (x.rank == 0 || x.dim(axis) <= std::numeric_limits<int32_t>::max()), "expected values");
  const int64_t length = x.rank == 0 ? 1 : x.dim(axis);
  int64_t inner = 1;
  for (int i = axis + 1; i < x.rank; i++) inner *= x.dim(i);
  const int64_t outer = x.size / length / inner;
  require(y.size == outer * inner, "the output does not fit the axes that are kept");
  const auto run = [&](const auto* values, auto order) {
    using Chosen = decltype(order);
    if (inner == 1) alongRows<Chosen>(values, y.ints(), outer, length);
    else alongColumns<Chosen>(values, y.ints(), outer, length, inner);
  };
  const auto either = [&](auto* values) {
    using T = std::remove_pointer_t<decltype(values)>;
    if (largest) run(values, Order<T, true>{});
    else run(values, Order<T, false>{});
  };
  if (x.dtype == DType::float32) either(x.floats());
  else if (x.dtype == DType::int32) either(x.ints());
  else either(x.bools());
}

}  // namespace bag
