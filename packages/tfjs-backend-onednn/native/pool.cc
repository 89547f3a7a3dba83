// Max and average pools of NHWC images. Gradients are gathered: each pixel asks the windows that cover it, so it is written
// once, by one thread, in a fixed order.
#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

#include "kernels.h"
#include "parallel.h"
#include "simd.h"

namespace bag {

namespace {

struct Span {
  int64_t from, to;
};

/** Windows along the height or the width. */
struct Axis {
  int64_t in, out, window, stride, pad;

  int64_t corner(int64_t index) const { return index * stride - pad; }
  /** The pixels of a window that are inside of the image. */
  Span pixels(int64_t index) const {
    return {std::max<int64_t>(0, corner(index)), std::min(in, corner(index) + window)};
  }
  /** The windows that cover a pixel. */
  Span windows(int64_t pixel) const {
    const int64_t beyond = pixel + pad - window + stride;
    return {beyond <= 0 ? 0 : beyond / stride, std::min(out, (pixel + pad) / stride + 1)};
  }
};

struct Pool {
  int64_t batch, channels;
  Axis rows, columns;

  Pool(const Tensor& x, const Tensor& y, Arguments& in) {
    require(x.rank == 4 && y.rank == 4, "expected images of rank 4");
    require(x.dim(0) == y.dim(0) && x.dim(3) == y.dim(3), "the pooled images differ in number or in channels");
    require(x.dim(1) == 0 || x.dim(2) <= std::numeric_limits<int32_t>::max() / x.dim(1), "an image is too large");
    batch = x.dim(0);
    channels = x.dim(3);
    for (int axis = 1; axis <= 2; axis++) {
      constexpr int64_t most = 1 << 20;
      const int64_t window = in.integer(1, most), stride = in.integer(1, most), pad = in.integer(0, most);
      (axis == 1 ? rows : columns) = {x.dim(axis), y.dim(axis), window, stride, pad};
    }
  }

  int64_t inRow() const { return columns.in * channels; }
  int64_t outRow() const { return columns.out * channels; }
  /** What one row of pixels, or of windows, costs: the larger side is what is read or written. */
  int64_t cost() const { return std::max(inRow(), outRow()); }
};

/** Calls body(tap, row, column) for the pixels of a window, in order; `tap` counts from the first of `image`. */
template <typename Body>
void forEachTap(const Pool& pool, Span rows, Span columns, Body body) {
  for (int64_t row = rows.from; row < rows.to; row++) {
    for (int64_t column = columns.from; column < columns.to; column++) {
      body((row * pool.columns.in + column) * pool.channels, row, column);
    }
  }
}

/** Windows without a pixel have no maximum: −∞, which is 0 as an integer. NaNs are passed over. */
template <typename T>
void maxima(const Pool& pool, const T* x, T* y) {
  constexpr bool real = std::is_floating_point_v<T>;
  constexpr T least = real ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
  parallelFor(pool.batch * pool.rows.out, pool.cost(), [&](int64_t from, int64_t to) {
    for (int64_t index = from; index < to; index++) {
      const T* image = x + index / pool.rows.out * pool.rows.in * pool.inRow();
      const Span rows = pool.rows.pixels(index % pool.rows.out);
      for (int64_t j = 0; j < pool.columns.out; j++) {
        const Span columns = pool.columns.pixels(j);
        T* best = y + index * pool.outRow() + j * pool.channels;
        const bool empty = rows.from >= rows.to || columns.from >= columns.to;
        std::fill_n(best, pool.channels, empty && !real ? T{0} : least);
        forEachTap(pool, rows, columns, [&](int64_t tap, int64_t, int64_t) {
          const T* value = image + tap;
#pragma omp simd
          for (int64_t c = 0; c < pool.channels; c++) best[c] = value[c] > best[c] ? value[c] : best[c];
        });
      }
    }
  });
}

/**
 * For one row of windows, the first pixel that holds the maximum, as `number(row, column)` numbers pixels, or −1 where
 * nothing is above −∞. `best` has room for one pixel's channels, or receives the maxima of the row with `keep`.
 */
template <typename Number>
void winners(const Pool& pool, const float* image, int64_t index, int32_t* where, float* best, bool keep,
             Number number) {
  const Span rows = pool.rows.pixels(index);
  for (int64_t j = 0; j < pool.columns.out; j++, where += pool.channels, best += keep ? pool.channels : 0) {
    std::fill_n(where, pool.channels, -1);
    std::fill_n(best, pool.channels, -std::numeric_limits<float>::infinity());
    forEachTap(pool, rows, pool.columns.pixels(j), [&](int64_t tap, int64_t row, int64_t column) {
      const float* value = image + tap;
      const int32_t position = number(row, column);
#pragma omp simd
      for (int64_t c = 0; c < pool.channels; c++) {
        const bool above = value[c] > best[c];
        best[c] = above ? value[c] : best[c];
        where[c] = above ? position : where[c];
      }
    });
  }
}

inline void get(const float* p, Vector& v) { v = load(p); }
inline void get(const float* p, float& v) { v = *p; }
inline void get(const int32_t* p, Mask& v) { std::memcpy(&v, p, sizeof v); }
inline void get(const int32_t* p, int32_t& v) { v = *p; }

/** Writes term(c, zero) for every channel, as vectors and what is left of them. `aligned` results go past the cache. */
template <typename Term>
void fillPixel(float* to, int64_t channels, bool aligned, Term term) {
  int64_t c = 0;
  if (aligned) {
    for (; c + lanes <= channels; c += lanes) storeStreaming(to + c, term(c, Vector{}, Mask{}));
  } else {
    for (; c + lanes <= channels; c += lanes) store(to + c, term(c, Vector{}, Mask{}));
  }
  for (; c < channels; c++) to[c] = term(c, 0.0f, int32_t{0});
}

bool streams(const Tensor& t) { return t.size * 4 >= streamingBytes && t.last() % lanes == 0; }

}  // namespace

void MaxPool(Arguments& in) {
  const Tensor x = in.tensor(), y = in.tensor();
  const Pool pool(x, y, in);
  require(x.dtype == y.dtype, "the output is of another type than the input");
  if (x.dtype == DType::float32) maxima(pool, x.floats(), y.floats());
  else if (x.dtype == DType::int32) maxima(pool, x.ints(), y.ints());
  else maxima(pool, x.bools(), y.bools());
}

/** Also where the maxima are: the place in the image, or in the whole batch. */
void MaxPoolWithArgmax(Arguments& in) {
  const Tensor x = in.floats(), y = in.floats(), positions = in.tensor(DType::int32);
  const Pool pool(x, y, in);
  const bool ofBatch = in.flag();
  require(positions.size == y.size, "the positions differ in number from the maxima");
  parallelFor(pool.batch * pool.rows.out, pool.cost(), [&](int64_t from, int64_t to) {
    for (int64_t index = from; index < to; index++) {
      const int64_t first = index / pool.rows.out * pool.rows.in * pool.inRow();
      int32_t* where = positions.ints() + index * pool.outRow();
      winners(pool, x.floats() + first, index % pool.rows.out, where, y.floats() + index * pool.outRow(), true,
              [&](int64_t row, int64_t column) { return static_cast<int32_t>(row * pool.columns.in + column); });
      for (int64_t i = 0; i < pool.outRow(); i++) {
        if (where[i] < 0) continue;
        where[i] = static_cast<int32_t>((ofBatch ? first : 0) + where[i] * pool.channels + i % pool.channels);
      }
    }
  });
}

/** dx = Σ dy of the windows whose first maximum the pixel is. */
void MaxPoolGrad(Arguments& in) {
  const Tensor dy = in.floats(), x = in.floats(), dx = in.floats();
  const Pool pool(x, dy, in);
  require(dx.sameShape(x), "the gradient has another shape than the input");
  if (dx.size == 0) return;
  struct Window {
    const int32_t* where;
    const float* dy;
    int32_t position;
  };
  const int64_t height = pool.rows.in, channels = pool.channels;
  // So many rows of windows cover a row of pixels.
  const int64_t kept = std::min((pool.rows.window - 1) / pool.rows.stride + 1, pool.rows.out);
  const bool streaming = streams(dx);
  parallelFor(pool.batch * height, pool.cost(), [&](int64_t from, int64_t to) {
    std::vector<int32_t> ring(static_cast<size_t>(kept * pool.outRow()));
    std::vector<float> best(static_cast<size_t>(channels));
    std::vector<Window> covering;
    const auto numbered = [&](int64_t row, int64_t column) {
      return static_cast<int32_t>(row * pool.columns.in + column);
    };
    int64_t next = 0;
    for (int64_t index = from; index < to; index++) {
      const int64_t image = index / height, row = index % height;
      const Span rows = pool.rows.windows(row);
      next = index == from || row == 0 ? rows.from : std::max(next, rows.from);
      for (; next < rows.to; next++) {
        winners(pool, x.floats() + image * height * pool.inRow(), next, &ring[(next % kept) * pool.outRow()],
                best.data(), false, numbered);
      }
      for (int64_t column = 0; column < pool.columns.in; column++) {
        const Span columns = pool.columns.windows(column);
        covering.clear();
        for (int64_t i = rows.from; i < rows.to; i++) {
          for (int64_t j = columns.from; j < columns.to; j++) {
            covering.push_back({&ring[(i % kept) * pool.outRow() + j * channels],
                                dy.floats() + ((image * pool.rows.out + i) * pool.columns.out + j) * channels,
                                numbered(row, column)});
          }
        }
        fillPixel(dx.floats() + (index * pool.columns.in + column) * channels, channels, streaming,
                  [&](int64_t c, auto sum, auto where) {
                    for (const auto& window : covering) {
                      decltype(sum) value;
                      get(window.dy + c, value);
                      get(window.where + c, where);
                      sum += where == window.position ? value : decltype(sum){};
                    }
                    return sum;
                  });
      }
    }
    fence();
  });
}

/** The mean of the pixels that are inside of the image. */
void AvgPool(Arguments& in) {
  const Tensor x = in.floats(), y = in.floats();
  const Pool pool(x, y, in);
  parallelFor(pool.batch * pool.rows.out, pool.cost(), [&](int64_t from, int64_t to) {
    std::vector<double> sums(static_cast<size_t>(pool.channels));
    double* sum = sums.data();
    for (int64_t index = from; index < to; index++) {
      const float* image = x.floats() + index / pool.rows.out * pool.rows.in * pool.inRow();
      const Span rows = pool.rows.pixels(index % pool.rows.out);
      for (int64_t j = 0; j < pool.columns.out; j++) {
        double count = 0;
        std::fill(sums.begin(), sums.end(), 0.0);
        forEachTap(pool, rows, pool.columns.pixels(j), [&](int64_t tap, int64_t, int64_t) {
          const float* value = image + tap;
          count++;
#pragma omp simd
          for (int64_t c = 0; c < pool.channels; c++) sum[c] += value[c];
        });
        float* mean = y.floats() + index * pool.outRow() + j * pool.channels;
#pragma omp simd
        for (int64_t c = 0; c < pool.channels; c++) mean[c] = static_cast<float>(sum[c] / count);
      }
    }
  });
}

/** dx = Σ dy of the windows that cover the pixel, divided by the size of a whole window, as TensorFlow.js has it. */
void AvgPoolGrad(Arguments& in) {
  const Tensor dy = in.floats(), dx = in.floats();
  const Pool pool(dx, dy, in);
  const float share = 1.0f / static_cast<float>(pool.rows.window * pool.columns.window);
  const int64_t height = pool.rows.in, channels = pool.channels;
  const bool streaming = streams(dx);
  parallelFor(pool.batch * height, pool.cost(), [&](int64_t from, int64_t to) {
    std::vector<const float*> covering;
    for (int64_t index = from; index < to; index++) {
      const Span rows = pool.rows.windows(index % height);
      for (int64_t column = 0; column < pool.columns.in; column++) {
        const Span columns = pool.columns.windows(column);
        covering.clear();
        for (int64_t i = rows.from; i < rows.to; i++) {
          for (int64_t j = columns.from; j < columns.to; j++) {
            covering.push_back(dy.floats() +
                               ((index / height * pool.rows.out + i) * pool.columns.out + j) * channels);
          }
        }
        fillPixel(dx.floats() + (index * pool.columns.in + column) * channels, channels, streaming,
                  [&](int64_t c, auto sum, auto) {
                    for (const float* window : covering) {
                      decltype(sum) value;
                      get(window + c, value);
                      sum += value;
                    }
                    return sum * share;
                  });
      }
    }
    fence();
  });
}

}  // namespace bag
