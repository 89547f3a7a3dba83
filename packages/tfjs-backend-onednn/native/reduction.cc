// Sums, products, extremes over any set of axes, in one pass over the input as it lies in memory.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "half.h"
#include "kernels.h"
#include "parallel.h"

namespace bag {

namespace {

struct Axis {
  int64_t size, stride;
};

/** Axes, innermost first. */
struct Axes {
  std::array<Axis, maxRank> list{};
  int count = 0;
  int64_t size = 1;

  void push(Axis axis) {
    list[count++] = axis;
    size *= axis.size;
  }
};

/** Steps through the places of some axes in the order of memory. */
class Walker {
 public:
  Walker(const Axes& axes, int64_t position) : axes_(axes) {
    for (int i = 0; i < axes.count && position > 0; i++) {
      index_[i] = position % axes.list[i].size;
      position /= axes.list[i].size;
      offset += index_[i] * axes.list[i].stride;
    }
  }

  void next() {
    for (int i = 0; i < axes_.count; i++) {
      const Axis axis = axes_.list[i];
      offset += axis.stride;
      if (++index_[i] < axis.size) return;
      offset -= axis.size * axis.stride;
      index_[i] = 0;
    }
  }

  int64_t offset = 0;

 private:
  const Axes& axes_;
  std::array<int64_t, maxRank> index_{};
};

/**
 * What is to be reduced: for each place of `outer`, and each place of `runs` in it, `run` rows of `width` columns lie
 * one after the other and become one row. The width is 1 where the last axis is reduced.
 */
struct Plan {
  Axes outer, runs;
  int64_t run = 1, width = 1;

  /** Bit i of `reduced` is set where axis i goes. Neighbours of the same kind are one axis. */
  Plan(const Tensor& x, int64_t reduced) {
    std::array<Axis, maxRank> merged{};
    std::array<bool, maxRank> goes{};
    int count = 0;
    int64_t stride = 1;
    for (int axis = x.rank - 1; axis >= 0; axis--) {
      const int64_t size = x.dim(axis);
      if (size == 1) continue;
      const bool gone = (reduced >> axis & 1) != 0;
      if (count > 0 && goes[count - 1] == gone) {
        merged[count - 1].size *= size;
      } else {
        goes[count] = gone;
        merged[count++] = {size, stride};
      }
      stride *= size;
    }
    int i = 0;
    if (i < count && !goes[i]) width = merged[i++].size;
    if (i < count) run = merged[i++].size;
    for (; i < count; i++) (goes[i] ? runs : outer).push(merged[i]);
  }

  int64_t rows() const { return runs.size * run; }
};

/** Columns that are accumulated at a time; their accumulators stay in the first cache. */
constexpr int64_t tileWidth = 2048;
/** Narrow rows are taken several at a time, as one that is at least this wide. */
constexpr int64_t wide = 16;

/** Accumulates rows column by column, four at a time; the width is a number or a constant. */
template <typename Op, typename In, typename Width>
inline void addRowsOf(typename Op::Accumulator* __restrict sums, const In* x, int64_t stride, int64_t rows,
                      Width width) {
  using Accumulator = typename Op::Accumulator;
  int64_t row = 0;
  for (; row + 4 <= rows; row += 4) {
    const In *a = x + row * stride, *b = a + stride, *c = b + stride, *d = c + stride;
#pragma omp simd
    for (int64_t i = 0; i < width; i++) {
      const Accumulator first = Op::combine(static_cast<Accumulator>(a[i]), static_cast<Accumulator>(b[i]));
      const Accumulator second = Op::combine(static_cast<Accumulator>(c[i]), static_cast<Accumulator>(d[i]));
      sums[i] = Op::combine(sums[i], Op::combine(first, second));
    }
  }
  for (; row < rows; row++) {
    const In* a = x + row * stride;
#pragma omp simd
    for (int64_t i = 0; i < width; i++) sums[i] = Op::combine(sums[i], static_cast<Accumulator>(a[i]));
  }
}

template <typename Op, typename In>
void addRows(typename Op::Accumulator* sums, const In* x, int64_t stride, int64_t rows, int64_t width) {
  if constexpr (std::is_arithmetic_v<In>) {
    if (width == 1) addRowsOf<Op>(sums, x, stride, rows, std::integral_constant<int64_t, 1>{});
    else if (width == wide) addRowsOf<Op>(sums, x, stride, rows, std::integral_constant<int64_t, wide>{});
    else addRowsOf<Op>(sums, x, stride, rows, width);
  } else {
    // What is stored in 16 bits is widened some rows at a time.
    alignas(64) float floats[4 * tileWidth];
    const int64_t block = std::max<int64_t>(4, tileWidth / std::max<int64_t>(width, 1));
    for (int64_t row = 0; row < rows; row += block) {
      const int64_t count = std::min(block, rows - row);
      if (stride == width) widen(x + row * stride, floats, count * width);
      else for (int64_t i = 0; i < count; i++) widen(x + (row + i) * stride, floats + i * width, width);
      addRows<Op>(sums, static_cast<const float*>(floats), width, count, width);
    }
  }
}

/** Reduces the rows [from, to) of `width` columns of a plan into `sums`. */
template <typename Op, typename In>
void reduceRows(const Plan& plan, const In* x, int64_t from, int64_t to, int64_t width,
                typename Op::Accumulator* sums) {
  int64_t group = 1;
  // A narrow tile at the end of wide rows is no row of its own.
  if (width == plan.width) {
    while (group * width < wide && group * 8 <= plan.run) group *= 2;
  }
  std::fill(sums, sums + group * width, Op::identity());
  Walker walker(plan.runs, from / plan.run);
  int64_t start = from % plan.run;
  while (from < to) {
    const int64_t rows = std::min(plan.run - start, to - from);
    const In* first = x + walker.offset + start * plan.width;
    if (group == 1) {
      addRows<Op>(sums, first, plan.width, rows, width);
    } else {
      // What is left over begins another wide row.
      const int64_t wideRow = group * width, whole = rows / group;
      addRows<Op>(sums, first, wideRow, whole, wideRow);
      addRows<Op>(sums, first + whole * wideRow, wideRow, rows % group > 0, rows % group * width);
    }
    from += rows;
    start = 0;
    walker.next();
  }
  for (int64_t half = group / 2; half > 0; half /= 2) {
    for (int64_t i = 0; i < half * width; i++) sums[i] = Op::combine(sums[i], sums[half * width + i]);
  }
}

/** The longest rows of which several are reduced side by side, to hide the latency of one after the other. */
constexpr int64_t shortRow = 64;

/** Reduces rows of `length` values that lie one after the other, each to one. */
template <typename Op, typename In, typename Out>
void reduceShortRows(const In* x, Out* y, int64_t rows, int64_t length) {
  using Accumulator = typename Op::Accumulator;
  constexpr int64_t group = 8;
  parallelFor(rows, length, [=](int64_t row, int64_t end) {
    float buffer[group * shortRow];
    for (; row + group <= end; row += group) {
      const auto* first = numbers(x + row * length, buffer, group * length);
      Accumulator sums[group];
      for (int64_t j = 0; j < group; j++) sums[j] = static_cast<Accumulator>(first[j * length]);
      for (int64_t i = 1; i < length; i++) {
        for (int64_t j = 0; j < group; j++) {
          sums[j] = Op::combine(sums[j], static_cast<Accumulator>(first[j * length + i]));
        }
      }
      for (int64_t j = 0; j < group; j++) y[row + j] = Op::template finish<Out>(sums[j], length);
    }
    for (; row < end; row++) {
      Accumulator sum = Op::identity();
      addRows<Op>(&sum, x + row * length, 1, length, 1);
      y[row] = Op::template finish<Out>(sum, length);
    }
  }, 16);
}

template <typename Op, typename In, typename Out>
void reduce(const Plan& plan, const In* x, Out* y) {
  using Accumulator = typename Op::Accumulator;
  const int64_t width = plan.width, rows = plan.rows(), outer = plan.outer.size;
  if (width == 1 && rows <= shortRow && plan.runs.count == 0 && plan.outer.count <= 1) {
    return reduceShortRows<Op>(x, y, outer, rows);
  }
  const int64_t tiles = (width + tileWidth - 1) / tileWidth, blocks = outer * tiles;
  // Too few results to share among the threads: each is reduced in several chunks.
  const int64_t wanted = 8 * omp_get_max_threads(), most = rows * width / tiles / (grain / 2);
  const int64_t chunks = blocks >= wanted ? 1 : std::clamp<int64_t>(std::min(most, wanted / blocks), 1, rows);
  std::vector<Accumulator> partial(chunks > 1 ? static_cast<size_t>(outer * chunks * width) : 0);

  parallelFor(blocks * chunks, std::max<int64_t>(1, rows * width / (tiles * chunks)), [&](int64_t from, int64_t to) {
    alignas(64) Accumulator sums[tileWidth];
    int64_t tile = from % tiles, chunk = from / tiles % chunks, place = from / tiles / chunks;
    Walker walker(plan.outer, place);
    for (int64_t item = from; item < to; item++) {
      const int64_t column = tile * tileWidth, columns = std::min(tileWidth, width - column);
      const int64_t begin = rows * chunk / chunks, stop = rows * (chunk + 1) / chunks;
      reduceRows<Op>(plan, x + walker.offset + column, begin, stop, columns, sums);
      if (chunks > 1) {
        std::copy(sums, sums + columns, &partial[(place * chunks + chunk) * width + column]);
      } else {
        for (int64_t i = 0; i < columns; i++) y[place * width + column + i] = Op::template finish<Out>(sums[i], rows);
      }
      if (++tile < tiles) continue;
      tile = 0;
      if (++chunk < chunks) continue;
      chunk = 0;
      place++;
      walker.next();
    }
  });
  if (chunks == 1) return;
  for (int64_t place = 0; place < outer; place++) {
    Accumulator* sums = &partial[place * chunks * width];
    addRows<Op>(sums, sums + width, width, chunks - 1, width);
    for (int64_t i = 0; i < width; i++) y[place * width + i] = Op::template finish<Out>(sums[i], rows);
  }
}

/** As JavaScript makes an int32 of a number. */
int32_t wrapped(double value) {
  if (!std::isfinite(value)) return 0;
  return static_cast<int32_t>(static_cast<uint32_t>(static_cast<int64_t>(std::fmod(std::trunc(value), 4294967296.0))));
}

template <typename T>
struct SumIn {
  using Accumulator = T;
  static T identity() { return 0; }
  static T combine(T a, T b) { return a + b; }
  template <typename Out>
  static Out finish(T sum, int64_t) {
    return static_cast<Out>(sum);
  }
};

/** Floats are summed in double precision: that costs nothing beside reading them. */
using Sum = SumIn<double>;

/** Modulo 2³², as int32 arrays of JavaScript have it. */
using IntegerSum = SumIn<uint32_t>;

struct Mean : Sum {
  template <typename Out>
  static Out finish(double sum, int64_t count) {
    return static_cast<Out>(sum / static_cast<double>(count));
  }
};

struct Product {
  using Accumulator = double;
  static double identity() { return 1; }
  static double combine(double a, double b) { return a * b; }
  template <typename Out>
  static Out finish(double product, int64_t) {
    if constexpr (std::is_integral_v<Out>) return wrapped(product);
    else return static_cast<Out>(product);
  }
};

/** A NaN wins. */
template <typename T, bool largest>
struct Extreme {
  using Accumulator = T;
  using Limits = std::numeric_limits<T>;
  static T identity() {
    if constexpr (Limits::has_infinity) return largest ? -Limits::infinity() : Limits::infinity();
    else return largest ? Limits::lowest() : Limits::max();
  }
  static T combine(T a, T b) {
    const T extreme = (largest ? a > b : a < b) ? a : b;
    return a != a ? a : extreme;
  }
  template <typename Out>
  static Out finish(T value, int64_t) {
    return value;
  }
};

/** Floats, in 32 bits or in 16, to float32. */
template <typename Op>
void reduceFloats(const Plan& plan, const Tensor& x, const Tensor& y) {
  withStorage(x.dtype, [&](auto type) { reduce<Op>(plan, static_cast<decltype(type)*>(x.data), y.floats()); });
}

template <bool largest>
void extreme(const Plan& plan, const Tensor& x, const Tensor& y) {
  if (x.dtype == DType::int32) reduce<Extreme<int32_t, largest>>(plan, x.ints(), y.ints());
  else if (x.dtype == DType::boolean) reduce<Extreme<uint8_t, largest>>(plan, x.bools(), y.bools());
  else reduceFloats<Extreme<float, largest>>(plan, x, y);
}

/** As src/kernels/reduction.ts numbers them. */
enum class Operation : int64_t { sum, mean, product, max, min };

}  // namespace

/** Sum, mean, product, maximum or minimum of x over the axes whose bits are set. */
void Reduce(Arguments& in) {
  const Tensor x = in.any(), y = in.tensor();
  const int64_t reduced = in.integer(0, (1 << maxRank) - 1);
  const auto operation = static_cast<Operation>(in.integer(0, 4));
  require(x.size > 0, "expected values to reduce");
  int64_t count = 1;
  for (int axis = 0; axis < x.rank; axis++) count *= (reduced >> axis & 1) != 0 ? x.dim(axis) : 1;
  require(y.size == x.size / count, "the output does not fit the axes that are kept");
  DType dtype = seen(x.dtype);
  if (operation == Operation::mean) dtype = DType::float32;
  else if (operation <= Operation::product && dtype == DType::boolean) dtype = DType::int32;
  require(y.dtype == dtype, "the output's type is not that of the operation");

  const Plan plan(x, reduced);
  const bool real = seen(x.dtype) == DType::float32;
  const auto ofIntegers = [&](auto operation, auto* to) {
    using Op = decltype(operation);
    if (x.dtype == DType::int32) reduce<Op>(plan, x.ints(), to);
    else reduce<Op>(plan, x.bools(), to);
  };
  switch (operation) {
    case Operation::sum:
      if (real) reduceFloats<Sum>(plan, x, y);
      else ofIntegers(IntegerSum{}, y.ints());
      break;
    case Operation::mean:
      if (real) reduceFloats<Mean>(plan, x, y);
      else ofIntegers(Mean{}, y.floats());
      break;
    case Operation::product:
      if (real) reduceFloats<Product>(plan, x, y);
      else ofIntegers(Product{}, y.ints());
      break;
    case Operation::max: extreme<true>(plan, x, y); break;
    case Operation::min: extreme<false>(plan, x, y); break;
  }
}

}  // namespace bag
