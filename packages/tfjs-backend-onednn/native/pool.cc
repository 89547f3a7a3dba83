// Max and average pools of NHWC images. Gradients are gathered: each pixel asks the windows that cover it, so it is
// written once, by one thread, in a fixed order.
#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

#include "half.h"
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

  int32_t position(int64_t row, int64_t column) const { return static_cast<int32_t>(row * columns.in + column); }
  int64_t inRow() const { return columns.in * channels; }
  int64_t outRow() const { return columns.out * channels; }
  /** What one row of pixels, or of windows, costs: the larger side is what is read or written. */
  int64_t cost() const { return std::max(inRow(), outRow()); }
};

/** The pixels that the means along an axis are over: those of the image, and so many before and after it. */
struct Counted {
  const Axis& axis;
  int64_t before, after;

  Counted(const Axis& axis, Arguments& in) : axis(axis), before(in.integer(0, most)), after(in.integer(0, most)) {}
  int64_t of(int64_t index) const {
    const int64_t corner = axis.corner(index);
    return std::max<int64_t>(0, std::min(axis.in + after, corner + axis.window) - std::max(-before, corner));
  }

 private:
  static constexpr int64_t most = 1 << 20;
};

/** A pixel of a window: its first channel, counted from the start of the image, and its number in the image. */
struct Tap {
  int64_t offset;
  int32_t position;
};

/** Lists the pixels of a window, in order. */
void list(const Pool& pool, Span rows, Span columns, std::vector<Tap>& taps) {
  taps.clear();
  for (int64_t row = rows.from; row < rows.to; row++) {
    for (int64_t column = columns.from; column < columns.to; column++) {
      taps.push_back({(row * pool.columns.in + column) * pool.channels, pool.position(row, column)});
    }
  }
}

/**
 * Calls body(image, window, taps) for every window, in parallel; `image` and `window` count elements. Each thread has
 * its own copy of the body, scratch memory included.
 */
template <typename Body>
void forEachWindow(const Pool& pool, Body given) {
  parallelFor(pool.batch * pool.rows.out, pool.cost(), [&](int64_t from, int64_t to) {
    Body body = given;
    std::vector<Tap> taps;
    for (int64_t index = from; index < to; index++) {
      const Span rows = pool.rows.pixels(index % pool.rows.out);
      for (int64_t j = 0; j < pool.columns.out; j++) {
        list(pool, rows, pool.columns.pixels(j), taps);
        body(index / pool.rows.out * pool.rows.in * pool.inRow(), index * pool.outRow() + j * pool.channels, taps);
      }
    }
  });
}

template <typename Values, typename T>
Values loadAs(const T* p) {
  Values v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

template <typename Value, typename Values>
void storeAs(Value* p, const Values& v) {
  std::memcpy(p, &v, sizeof v);
}

/** Calls body(c, zero, none) for every channel: for vectors of them, and one by one for those that are left. */
template <typename Body>
void forEachChannel(int64_t channels, Body body) {
  int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) body(c, Vector{}, Mask{});
  for (; c < channels; c++) body(c, 0.0f, int32_t{0});
}

/** Windows without a pixel have no maximum: −∞, which is 0 as an integer. NaNs are passed over. */
template <typename T>
void maxima(const Pool& pool, const T* x, T* y) {
  forEachWindow(pool, [=, channels = pool.channels](int64_t image, int64_t window, const std::vector<Tap>& taps) {
    forEachChannel(channels, [&](int64_t c, auto zero, auto) {
      auto best = zero - std::numeric_limits<float>::infinity();
      for (const auto& tap : taps) {
        const auto value = get(x + image + tap.offset + c, zero);
        best = value > best ? value : best;
      }
      put(y + window + c, best);
    });
  });
}

template <typename T>
void maximaOfIntegers(const Pool& pool, const T* x, T* y) {
  forEachWindow(pool, [=, channels = pool.channels](int64_t image, int64_t window, const std::vector<Tap>& taps) {
    T* best = y + window;
    std::fill_n(best, channels, taps.empty() ? T{0} : std::numeric_limits<T>::lowest());
    for (const auto& tap : taps) {
      const T* value = x + image + tap.offset;
#pragma omp simd
      for (int64_t c = 0; c < channels; c++) best[c] = value[c] > best[c] ? value[c] : best[c];
    }
  });
}

/**
 * The number of the pixel that holds a window's maximum, the first of several, or −1 where nothing is above −∞. The
 * maximum itself goes to `maximum` where it is given.
 */
template <typename T>
void winners(const Pool& pool, const T* image, const std::vector<Tap>& taps, int32_t* where, T* maximum) {
  forEachChannel(pool.channels, [&](int64_t c, auto zero, auto none) {
    auto best = zero - std::numeric_limits<float>::infinity();
    auto first = none - 1;
    for (const auto& tap : taps) {
      const auto value = get(image + tap.offset + c, zero);
      const auto above = value > best;
      best = above ? value : best;
      first = above ? none + tap.position : first;
    }
    storeAs(where + c, first);
    if (maximum != nullptr) put(maximum + c, best);
  });
}

/** Writes term(c, zero, none) for every channel; past the cache if `streaming`, which aligned vectors ask for. */
template <typename T, typename Term>
void fillPixel(T* to, int64_t channels, bool streaming, Term term) {
  if (streaming) {
    for (int64_t c = 0; c < channels; c += lanes) put<true>(to + c, term(c, Vector{}, Mask{}));
  } else {
    forEachChannel(channels, [&](int64_t c, auto zero, auto none) { put(to + c, term(c, zero, none)); });
  }
}

bool streams(const Tensor& t) { return static_cast<int64_t>(t.bytes()) >= streamingBytes && t.last() % lanes == 0; }

/** As MaxPoolGrad, of tensors that are stored in T. */
template <typename T>
void gradientOfMaxima(const Pool& pool, const T* dy, const T* x, T* dx, bool streaming) {
  struct Window {
    const int32_t* where;
    const T* dy;
    int32_t position;
  };
  const int64_t height = pool.rows.in, channels = pool.channels;
  // So many rows of windows cover a row of pixels.
  const int64_t kept = std::min((pool.rows.window - 1) / pool.rows.stride + 1, pool.rows.out);
  parallelFor(pool.batch * height, pool.cost(), [&](int64_t from, int64_t to) {
    std::vector<int32_t> ring(static_cast<size_t>(kept * pool.outRow()));
    std::vector<Tap> taps;
    std::vector<Window> covering;
    int64_t next = 0;
    for (int64_t index = from; index < to; index++) {
      const int64_t image = index / height, row = index % height;
      const Span rows = pool.rows.windows(row);
      next = index == from || row == 0 ? rows.from : std::max(next, rows.from);
      for (; next < rows.to; next++) {
        const Span pixels = pool.rows.pixels(next);
        for (int64_t j = 0; j < pool.columns.out; j++) {
          list(pool, pixels, pool.columns.pixels(j), taps);
          winners<T>(pool, x + image * height * pool.inRow(), taps,
                     &ring[(next % kept) * pool.outRow() + j * channels], nullptr);
        }
      }
      for (int64_t column = 0; column < pool.columns.in; column++) {
        const Span columns = pool.columns.windows(column);
        covering.clear();
        for (int64_t i = rows.from; i < rows.to; i++) {
          for (int64_t j = columns.from; j < columns.to; j++) {
            covering.push_back({&ring[(i % kept) * pool.outRow() + j * channels],
                                dy + ((image * pool.rows.out + i) * pool.columns.out + j) * channels,
                                pool.position(row, column)});
          }
        }
        fillPixel(dx + (index * pool.columns.in + column) * channels, channels, streaming,
                  [&](int64_t c, auto sum, auto where) {
                    for (const auto& window : covering) {
                      const auto value = get(window.dy + c, sum);
                      where = loadAs<decltype(where)>(window.where + c);
                      sum += where == window.position ? value : decltype(sum){};
                    }
                    return sum;
                  });
      }
    }
    fence();
  });
}

template <typename T>
void means(const Pool& pool, const Counted& rows, const Counted& columns, const T* x, T* y) {
  const int64_t channels = pool.channels;
  std::vector<double> sums(static_cast<size_t>(channels));
  std::vector<float> buffer(sums.size());
  forEachWindow(pool, [=](int64_t image, int64_t window, const std::vector<Tap>& taps) mutable {
    double* sum = sums.data();
    std::fill_n(sum, channels, 0.0);
    for (const auto& tap : taps) {
      const float* value = numbers(x + image + tap.offset, buffer.data(), channels);
#pragma omp simd
      for (int64_t c = 0; c < channels; c++) sum[c] += value[c];
    }
    const int64_t number = window / channels;
    const auto count = static_cast<double>(rows.of(number / pool.columns.out % pool.rows.out) *
                                           columns.of(number % pool.columns.out));
    float* mean = buffer.data();
#pragma omp simd
    for (int64_t c = 0; c < channels; c++) mean[c] = static_cast<float>(sum[c] / count);
    forEachChannel(channels, [=](int64_t c, auto zero, auto) { put(y + window + c, get(mean + c, zero)); });
  });
}

template <typename T>
void gradientOfMeans(const Pool& pool, const Counted& countedRows, const Counted& countedColumns, const T* dy, T* dx,
                     bool streaming) {
  struct Window {
    const T* dy;
    float share;
  };
  const int64_t height = pool.rows.in, channels = pool.channels;
  parallelFor(pool.batch * height, pool.cost(), [&](int64_t from, int64_t to) {
    std::vector<Window> covering;
    for (int64_t index = from; index < to; index++) {
      const Span rows = pool.rows.windows(index % height);
      for (int64_t column = 0; column < pool.columns.in; column++) {
        const Span columns = pool.columns.windows(column);
        covering.clear();
        for (int64_t i = rows.from; i < rows.to; i++) {
          for (int64_t j = columns.from; j < columns.to; j++) {
            covering.push_back({dy + ((index / height * pool.rows.out + i) * pool.columns.out + j) * channels,
                                1.0f / static_cast<float>(countedRows.of(i) * countedColumns.of(j))});
          }
        }
        fillPixel(dx + (index * pool.columns.in + column) * channels, channels, streaming,
                  [&](int64_t c, auto sum, auto) {
                    for (const auto& window : covering) sum += get(window.dy + c, sum) * window.share;
                    return sum;
                  });
      }
    }
    fence();
  });
}

/** The data of a tensor as what it is stored in. */
template <typename T>
T* as(const Tensor& t) {
  return static_cast<T*>(t.data);
}

}  // namespace

void MaxPool(Arguments& in) {
  const Tensor x = in.any(), y = in.tensor(x.dtype);
  const Pool pool(x, y, in);
  if (x.dtype == DType::int32) return maximaOfIntegers(pool, x.ints(), y.ints());
  if (x.dtype == DType::boolean) return maximaOfIntegers(pool, x.bools(), y.bools());
  withStorage(x.dtype, [&](auto type) { maxima(pool, as<decltype(type)>(x), as<decltype(type)>(y)); });
}

/** Also where the maxima are: the place in the image, or in the whole batch. */
void MaxPoolWithArgmax(Arguments& in) {
  const Tensor x = in.stored(), y = in.tensor(x.dtype), positions = in.tensor(DType::int32);
  const Pool pool(x, y, in);
  const bool ofBatch = in.flag();
  require(positions.size == y.size, "the positions differ in number from the maxima");
  withStorage(x.dtype, [&](auto type) {
    using T = decltype(type);
    forEachWindow(pool, [&](int64_t image, int64_t window, const std::vector<Tap>& taps) {
      int32_t* where = positions.ints() + window;
      winners(pool, as<T>(x) + image, taps, where, as<T>(y) + window);
      for (int64_t c = 0; c < pool.channels; c++) {
        if (where[c] >= 0) where[c] = static_cast<int32_t>((ofBatch ? image : 0) + where[c] * pool.channels + c);
      }
    });
  });
}

/** dx = Σ dy of the windows whose first maximum the pixel is. */
void MaxPoolGrad(Arguments& in) {
  const Tensor dy = in.stored(), x = in.tensor(dy.dtype), dx = in.tensor(dy.dtype);
  const Pool pool(x, dy, in);
  require(dx.sameShape(x), "the gradient has another shape than the input");
  if (dx.size == 0) return;
  withStorage(x.dtype, [&](auto type) {
    using T = decltype(type);
    gradientOfMaxima(pool, as<T>(dy), as<T>(x), as<T>(dx), streams(dx));
  });
}

/** The mean of a window's pixels: their sum by the number of those that count. */
void AvgPool(Arguments& in) {
  const Tensor x = in.stored(), y = in.tensor(x.dtype);
  const Pool pool(x, y, in);
  const Counted rows(pool.rows, in), columns(pool.columns, in);
  if (y.size == 0) return;
  withStorage(x.dtype, [&](auto type) {
    means(pool, rows, columns, as<decltype(type)>(x), as<decltype(type)>(y));
  });
}

/** dx = Σ dy of the windows that cover the pixel, each by the number of its pixels that count. */
void AvgPoolGrad(Arguments& in) {
  const Tensor dy = in.stored(), dx = in.tensor(dy.dtype);
  const Pool pool(dx, dy, in);
  const Counted rows(pool.rows, in), columns(pool.columns, in);
  withStorage(dy.dtype, [&](auto type) {
    using T = decltype(type);
    gradientOfMeans(pool, rows, columns, as<T>(dy), as<T>(dx), streams(dx));
  });
}

/** dx[b,i,j,c] = dy[b,c] / (height · width). */
void GlobalAveragePoolGrad(Arguments& in) {
  const Tensor dy = in.floats(), dx = in.stored();
  require(dx.rank == 4, "expected images of rank 4");
  const int64_t channels = dx.dim(3), pixels = dx.dim(1) * dx.dim(2);
  require(dy.size == dx.dim(0) * channels, "expected one number for each image and channel");
  const float* gradient = dy.floats();
  const float share = 1.0f / static_cast<float>(pixels);
  withStorage(dx.dtype, [&](auto type) {
    auto* to = as<decltype(type)>(dx);
    parallelFor(dx.dim(0) * pixels, channels, [=](int64_t from, int64_t end) {
      for (int64_t pixel = from; pixel < end; pixel++) {
        const float* row = gradient + pixel / pixels * channels;
        auto* target = to + pixel * channels;
        forEachChannel(channels, [=](int64_t c, auto zero, auto) { put(target + c, get(row + c, zero) * share); });
      }
    });
  });
}

}  // namespace bag
