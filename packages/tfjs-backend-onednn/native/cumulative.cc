// Running sums and products along an axis.
#include <algorithm>

#include "kernels.h"
#include "parallel.h"

namespace bag {

namespace {

/** Floats are summed in double precision, integers modulo 2³². */
struct Sum {
  static double start(float) { return 0; }
  static uint32_t start(int32_t) { return 0; }
  static double next(double sum, float x) { return sum + x; }
  static uint32_t next(uint32_t sum, int32_t x) { return sum + static_cast<uint32_t>(x); }
};

/** Each product is rounded to its type, integers as JavaScript does it: through a double. */
struct Product {
  template <typename T>
  static T start(T) {
    return 1;
  }
  static float next(float product, float x) { return product * x; }
  static int32_t next(int32_t product, int32_t x) {
    return static_cast<int32_t>(static_cast<uint32_t>(static_cast<int64_t>(double{1.0 * product} * x)));
  }
};

struct Extent {
  int64_t outer, length, inner;
  bool exclusive, reverse;
};

template <typename Op, typename In, typename Out>
void accumulate(const Extent& extent, const In* x, Out* y) {
  using Accumulator = decltype(Op::start(Out{}));
  constexpr int64_t tileWidth = 512;
  const auto [outer, length, inner, exclusive, reverse] = extent;
  const int64_t tiles = (inner + tileWidth - 1) / tileWidth, width = std::min(inner, tileWidth);
  const auto body = [=, length = length, inner = inner, exclusive = exclusive, reverse = reverse](int64_t from,
                                                                                               int64_t to) {
    Accumulator totals[tileWidth];
    for (int64_t item = from; item < to; item++) {
      const int64_t column = item % tiles * tileWidth, columns = std::min(tileWidth, inner - column);
      const int64_t origin = item / tiles * length * inner + column;
      const int64_t first = origin + (reverse ? (length - 1) * inner : 0), step = reverse ? -inner : inner;
      if (columns == 1) {
        Accumulator total = Op::start(Out{});
        for (int64_t row = 0, i = first; row < length; row++, i += step) {
          const Accumulator next = Op::next(total, static_cast<Out>(x[i]));
          y[i] = static_cast<Out>(exclusive ? total : next);
          total = next;
        }
        continue;
      }
      std::fill(totals, totals + columns, Op::start(Out{}));
      for (int64_t row = 0, start = first; row < length; row++, start += step) {
        const In* values = x + start;
        Out* results = y + start;
#pragma omp simd
        for (int64_t i = 0; i < columns; i++) {
          const Accumulator next = Op::next(totals[i], static_cast<Out>(values[i]));
          results[i] = static_cast<Out>(exclusive ? totals[i] : next);
          totals[i] = next;
        }
      }
    }
  };
  parallelFor(outer * tiles, length * width, body);
}

}  // namespace

/** Running sums or products along an axis of x. */
void Cumulate(Arguments& in) {
  const Tensor x = in.tensor(), y = in.tensor();
  const auto axis = static_cast<int>(in.integer(0, std::max(x.rank - 1, 0)));
  const bool product = in.flag(), exclusive = in.flag(), reverse = in.flag();
  require(y.size == x.size, "the output differs in size from the input");
  require(y.dtype == (x.dtype == DType::float32 ? DType::float32 : DType::int32), "the output's type does not fit");
  if (x.size == 0) return;
  Extent extent{1, x.rank == 0 ? 1 : x.dim(axis), 1, exclusive, reverse};
  for (int i = 0; i < x.rank; i++) (i < axis ? extent.outer : extent.inner) *= i == axis ? 1 : x.dim(i);
  const auto run = [&](auto op) {
    using Op = decltype(op);
    if (x.dtype == DType::float32) accumulate<Op>(extent, x.floats(), y.floats());
    else if (x.dtype == DType::int32) accumulate<Op>(extent, x.ints(), y.ints());
    else accumulate<Op>(extent, x.bools(), y.ints());
  };
  if (product) run(Product{});
  else run(Sum{});
}

}  // namespace bag
