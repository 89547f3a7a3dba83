#include "depthwise3x3.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "allocator.h"
#include "half.h"
#include "parallel.h"
#include "simd.h"

namespace bag::depthwise3x3 {

namespace {

/** Some of the indices 0, 1, 2 of a filter, or of an image's columns. */
struct Span {
  int64_t from, to;
};

/** The taps of a window that meet an image of this size. */
Span tapsOf(int64_t corner, int64_t size) {
  return {std::max<int64_t>(0, -corner), std::min<int64_t>(3, size - corner)};
}

/** The windows all of whose columns are inside of the image. */
Span whole(const Shape& s) {
  const int64_t from = std::min((s.padLeft + s.stride - 1) / s.stride, s.outWidth);
  const int64_t last = s.width - 3 + s.padLeft;
  const int64_t to = last < 0 ? 0 : last / s.stride + 1;
  return {from, std::clamp(to, from, s.outWidth)};
}

/** Pixels that are computed together. */
constexpr int together = 4;
template <int stride>
constexpr int pixelsOf = stride == 1 ? 4 : 3;

bool streams(int64_t size, DType dtype) { return size * static_cast<int64_t>(bytesOf(dtype)) >= streamingBytes; }

/** Numbers of a filter that one channel has. */
constexpr int64_t area = 9;

/**
 * A filter [3·3][channels], perhaps turned by 180°, as [channels/8][3·3][8]: what a vector of channels meets lies together.
 * Where there are 2ⁿ channels, it would share a place in the cache.
 */
class Sorted {
 public:
  Sorted(const float* filter, int64_t channels, bool turned) : memory_(area * channels * sizeof(float)) {
    for (int64_t c = 0; c < channels; c += lanes) {
      for (int64_t tap = 0; tap < area; tap++) {
        const int64_t from = turned ? area - 1 - tap : tap;
        store(memory_.floats() + area * c + tap * lanes, load(filter + from * channels + c));
      }
    }
  }
  const float* floats() const { return memory_.floats(); }

 private:
  Scratch memory_;
};

/** Hands compile-time strides, streaming and storage to a function. */
template <typename Function>
void specialise(int64_t stride, bool streaming, DType dtype, Function function) {
  withStorage(dtype, [&](auto type) {
    const auto withStride = [&](auto steps) {
      if (streaming) function(steps, std::true_type{}, type);
      else function(steps, std::false_type{}, type);
    };
    if (stride == 1) withStride(std::integral_constant<int, 1>{});
    else withStride(std::integral_constant<int, 2>{});
  });
}

/** Memory that is read next: it is fetched bit by bit while there is work on what came before. */
class Next {
 public:
  template <typename T>
  Next(const T* first, int64_t count)
      : first_(reinterpret_cast<const char*>(first)),
        lines_(std::max<int64_t>(0, count) * static_cast<int64_t>(sizeof(T)) / cacheLine) {}
  BAG_INLINE void fetch(int64_t part, int64_t parts) const { fetchLines(first_, lines_, part, parts); }

 private:
  const char* first_;
  int64_t lines_;
};

/** Rows of an image that the next line meets and this one, which begins at row `top` of the whole batch, does not. */
template <typename T>
BAG_INLINE Next rowsAfter(const Shape& s, const T* x, int64_t top) {
  const int64_t rows = s.batch * s.height, row = s.width * s.channels, first = std::min(top + 3, rows);
  return {x + first * row, std::min(s.stride, rows - first) * row};
}

/** A line of the result, and the rows of the image and of the filter that it is made of. */
template <typename T>
struct Line {
  const T* x;
  const float* filter;
  const float* bias;
  T* y;
  Next next;
};

/** One pixel of the result, of the taps that meet the image. */
template <int rows, bool streaming, typename T>
BAG_INLINE void convolvePixel(const Shape& s, const Line<T>& line, int64_t j) {
  const int64_t channels = s.channels, corner = j * s.stride - s.padLeft;
  const Span columns = tapsOf(corner, s.width);
  for (int64_t c = 0; c < channels; c += lanes) {
    Vector sum = line.bias == nullptr ? Vector{} : load(line.bias + c);
    for (int u = 0; u < rows; u++) {
      for (int64_t v = columns.from; v < columns.to; v++) {
        const auto pixel = get(line.x + (u * s.width + corner + v) * channels + c, Vector{});
        sum = fusedMultiplyAdd(pixel, load(line.filter + area * c + (u * 3 + v) * lanes), sum);
      }
    }
    put<streaming>(line.y + j * channels + c, sum);
  }
}

/**
 * Some pixels of the result next to each other, of so many vectors of channels from c on. Where there are 2ⁿ channels, pixels
 * share places in the cache: two vectors at a time take what a line of it has before it is gone.
 */
template <int rows, int stride, int vectors, bool streaming, typename T>
BAG_INLINE void convolvePixels(const Shape& s, const Line<T>& line, int64_t j, int64_t c) {
  constexpr int count = pixelsOf<stride>, met = (count - 1) * stride + 3;
  const int64_t channels = s.channels, row = s.width * channels;
  const T* from = line.x + (j * stride - s.padLeft) * channels + c;
  Vector sums[vectors][count];
  for (int n = 0; n < vectors; n++) {
    for (auto& sum : sums[n]) sum = line.bias == nullptr ? Vector{} : load(line.bias + c + n * lanes);
  }
  for (int u = 0; u < rows; u++) {
    for (int n = 0; n < vectors; n++) {
      Vector pixels[met];
      for (int k = 0; k < met; k++) pixels[k] = get(from + u * row + k * channels + n * lanes, Vector{});
      for (int v = 0; v < 3; v++) {
        const Vector tap = load(line.filter + area * (c + n * lanes) + (u * 3 + v) * lanes);
        for (int k = 0; k < count; k++) sums[n][k] = fusedMultiplyAdd(pixels[k * stride + v], tap, sums[n][k]);
      }
    }
  }
  T* to = line.y + j * channels + c;
  for (int k = 0; k < count; k++) {
    for (int n = 0; n < vectors; n++) put<streaming>(to + k * channels + n * lanes, sums[n][k]);
  }
}

template <int rows, int stride, bool streaming, typename T>
void convolveLine(const Shape& s, const Line<T>& line) {
  const Span inside = whole(s);
  int64_t j = 0;
  for (; j < inside.from; j++) convolvePixel<rows, streaming>(s, line, j);
  constexpr int count = pixelsOf<stride>;
  for (; j + count <= inside.to; j += count) {
    line.next.fetch(j / count, s.outWidth / count);
    int64_t c = 0;
    for (; c + 2 * lanes <= s.channels; c += 2 * lanes) convolvePixels<rows, stride, 2, streaming>(s, line, j, c);
    if (c < s.channels) convolvePixels<rows, stride, 1, streaming>(s, line, j, c);
  }
  for (; j < s.outWidth; j++) convolvePixel<rows, streaming>(s, line, j);
}

/** Hands the number of rows, 0 to 3, to a function as a constant. */
template <typename Function>
void withRows(Span taps, Function function) {
  const int64_t rows = taps.to - taps.from;
  if (rows == 3) function(std::integral_constant<int, 3>{});
  else if (rows == 2) function(std::integral_constant<int, 2>{});
  else if (rows == 1) function(std::integral_constant<int, 1>{});
  else function(std::integral_constant<int, 0>{});
}

void convolveSorted(const Shape& shape, const void* x, const float* filter, const float* bias, void* y) {
  const int64_t row = shape.width * shape.channels, outRow = shape.outWidth * shape.channels;
  const int64_t lines = shape.batch * shape.outHeight;
  const bool streaming = streams(lines * outRow, shape.dtype);
  specialise(shape.stride, streaming, shape.dtype, [&](auto stride, auto past, auto type) {
    using T = decltype(type);
    const auto *from = static_cast<const T*>(x);
    auto* to = static_cast<T*>(y);
    parallelFor(lines, area * outRow, [=, s = shape](int64_t first, int64_t end) {
      for (int64_t index = first; index < end; index++) {
        const int64_t corner = index % s.outHeight * stride - s.padTop, top = index / s.outHeight * s.height + corner;
        const Span taps = tapsOf(corner, s.height);
        const Line<T> line{from + (top + taps.from) * row, filter + taps.from * 3 * lanes, bias,
                           to + index * outRow, rowsAfter(s, from, top)};
        withRows(taps, [&](auto count) { convolveLine<count, stride, past>(s, line); });
      }
      fence();
    });
  });
}

}  // namespace

bool Shape::fits() const {
  return channels % lanes == 0 && (stride == 1 || stride == 2) && padTop <= 2 && padLeft <= 2;
}

void convolve(const Shape& shape, const void* x, const float* filter, const float* bias, void* y) {
  convolveSorted(shape, x, Sorted(filter, shape.channels, false).floats(), bias, y);
}

namespace {

/** One of at most two rows of dy that a row of dx comes from, and the filter's row that it meets. */
template <typename T>
struct Source {
  const T* dy;
  const float* taps;
};

/** The row of an image whose gradient it is, by the rows of dy. */
template <typename T>
struct Spread {
  Source<T> sources[2];
  int count;
  T* dx;
};

template <bool streaming, typename T>
BAG_INLINE void spreadToPixel(const Shape& s, const Spread<T>& line, int64_t column) {
  const int64_t channels = s.channels, at = column + s.padLeft;
  for (int64_t c = 0; c < channels; c += lanes) {
    Vector sum{};
    for (int n = 0; n < line.count; n++) {
      for (int64_t v = at % 2; v < 3; v += 2) {
        const int64_t j = (at - v) / 2;
        if (v > at || j >= s.outWidth) continue;
        const auto gradient = get(line.sources[n].dy + j * channels + c, Vector{});
        sum = fusedMultiplyAdd(gradient, load(line.sources[n].taps + area * c + v * lanes), sum);
      }
    }
    put<streaming>(line.dx + column * channels + c, sum);
  }
}

/** Two pixels for each pixel of dy from j on: where the first and the last column of a window come, and its middle. */
template <bool streaming, typename T>
BAG_INLINE void spreadToPixels(const Shape& s, const Spread<T>& line, int64_t j) {
  constexpr int pairs = together / 2;
  const int64_t channels = s.channels;
  T* to = line.dx + (2 * j - s.padLeft) * channels;
  for (int64_t c = 0; c < channels; c += lanes) {
    Vector sums[2 * pairs] = {};
    for (int n = 0; n < line.count; n++) {
      const auto& [dy, taps] = line.sources[n];
      Vector gradients[pairs + 1];
      for (int k = 0; k <= pairs; k++) gradients[k] = get(dy + (j - 1 + k) * channels + c, Vector{});
      const Vector first = load(taps + area * c), middle = load(taps + area * c + lanes);
      const Vector last = load(taps + area * c + 2 * lanes);
      for (int k = 0; k < pairs; k++) {
        sums[2 * k] = fusedMultiplyAdd(gradients[k], last, fusedMultiplyAdd(gradients[k + 1], first, sums[2 * k]));
        sums[2 * k + 1] = fusedMultiplyAdd(gradients[k + 1], middle, sums[2 * k + 1]);
      }
    }
    for (int k = 0; k < 2 * pairs; k++) put<streaming>(to + k * channels + c, sums[k]);
  }
}

template <bool streaming, typename T>
void spreadLine(const Shape& s, const Spread<T>& line) {
  // The first column that is met by the first column of a window, and by the last one of the window before.
  const int64_t first = std::min(2 - s.padLeft, s.width);
  int64_t column = 0;
  for (; column < first; column++) spreadToPixel<streaming>(s, line, column);
  for (; column + together <= s.width; column += together) {
    const int64_t j = (column + s.padLeft) / 2;
    if (j + together / 2 > s.outWidth) break;
    spreadToPixels<streaming>(s, line, j);
  }
  for (; column < s.width; column++) spreadToPixel<streaming>(s, line, column);
}

/** The input's gradient where windows are two pixels apart. */
template <bool streaming, typename T>
void spreadBy2(const Shape& shape, const T* dy, const float* filter, T* dx) {
  const int64_t row = shape.width * shape.channels;
  parallelFor(shape.batch * shape.height, 3 * row, [=, s = shape](int64_t from, int64_t to) {
    for (int64_t index = from; index < to; index++) {
      Spread<T> line{{}, 0, dx + index * row};
      const int64_t at = index % s.height + s.padTop, image = index / s.height * s.outHeight;
      for (int64_t u = at % 2; u < 3; u += 2) {
        const int64_t i = (at - u) / 2;
        if (u > at || i >= s.outHeight) continue;
        line.sources[line.count++] = {dy + (image + i) * s.outWidth * s.channels, filter + u * 3 * lanes};
      }
      spreadLine<streaming>(s, line);
    }
    fence();
  });
}

}  // namespace

void inputGradient(const Shape& shape, const void* dy, const float* filter, void* dx) {
  const Sorted sorted(filter, shape.channels, shape.stride == 1);
  if (shape.stride == 1) {
    // A convolution of dy by the turned filter.
    const Shape back{shape.batch, shape.outHeight, shape.outWidth,    shape.channels,    shape.height,
                     shape.width, 1,               2 - shape.padTop,  2 - shape.padLeft, shape.dtype};
    return convolveSorted(back, dy, sorted.floats(), nullptr, dx);
  }
  const bool streaming = streams(shape.batch * shape.height * shape.width * shape.channels, shape.dtype);
  specialise(2, streaming, shape.dtype, [&](auto, auto past, auto type) {
    using T = decltype(type);
    spreadBy2<past>(shape, static_cast<const T*>(dy), sorted.floats(), static_cast<T*>(dx));
  });
}

namespace {

/** Columns of a line that are gone through for one vector of channels, which stay in the cache for the next. */
constexpr int64_t columnsAtOnce = 32;

/** Pixels of dy whose products are added together. */
constexpr int addedAtOnce = 2;

/** Adds up in single precision what so many pixels of dy give at least; the sums of these are in double. */
constexpr int64_t pixelsInSingle = 128;

/** A line of dy, and the rows of x that it meets. */
template <typename T>
struct Products {
  /** The first of `rows` rows. */
  const T* x;
  const T* dy;
  /** The sums for the taps of the first row, sorted as filters are. */
  float* sums;
  Next nextRows, nextLine;
};

/** Adds a pixel's products to sums in memory. */
template <int stride, int rows, typename T>
BAG_INLINE void addPixel(const Shape& s, const Products<T>& line, int64_t j) {
  const int64_t channels = s.channels, corner = j * stride - s.padLeft;
  const Span columns = tapsOf(corner, s.width);
  for (int64_t c = 0; c < channels; c += lanes) {
    const auto gradient = get(line.dy + j * channels + c, Vector{});
    for (int u = 0; u < rows; u++) {
      for (int64_t v = columns.from; v < columns.to; v++) {
        float* sum = line.sums + area * c + (u * 3 + v) * lanes;
        const auto pixel = get(line.x + (u * s.width + corner + v) * channels + c, Vector{});
        store(sum, fusedMultiplyAdd(pixel, gradient, load(sum)));
      }
    }
  }
}

/** Adds the products of so many pixels to sums in registers. */
template <int stride, int rows, int count, typename T>
BAG_INLINE void addPixels(const Shape& s, const T* x, const T* dy, Vector (&sums)[rows][3]) {
  constexpr int met = (count - 1) * stride + 3;
  Vector gradients[count];
  for (int k = 0; k < count; k++) gradients[k] = get(dy + k * s.channels, Vector{});
  for (int u = 0; u < rows; u++) {
    for (int k = 0; k < met; k++) {
      const auto pixel = get(x + (u * s.width + k) * s.channels, Vector{});
      for (int v = 0; v < 3; v++) {
        if ((k - v) % stride == 0 && k >= v && (k - v) / stride < count) {
          sums[u][v] = fusedMultiplyAdd(pixel, gradients[(k - v) / stride], sums[u][v]);
        }
      }
    }
  }
}

template <int stride, int rows, typename T>
void addLine(const Shape& s, const Products<T>& line) {
  const Span inside = whole(s);
  const int64_t channels = s.channels;
  const int64_t steps = (inside.to - inside.from + columnsAtOnce - 1) / columnsAtOnce * (channels / lanes);
  int64_t step = 0;
  for (int64_t j = 0; j < inside.from; j++) addPixel<stride, rows>(s, line, j);
  for (int64_t start = inside.from; start < inside.to; start += columnsAtOnce) {
    const int64_t end = std::min(start + columnsAtOnce, inside.to);
    for (int64_t c = 0; c < channels; c += lanes, step++) {
      line.nextRows.fetch(step, steps);
      line.nextLine.fetch(step, steps);
      Vector sums[rows][3];
      for (int tap = 0; tap < 3 * rows; tap++) sums[tap / 3][tap % 3] = load(line.sums + area * c + tap * lanes);
      const T* x = line.x + (start * stride - s.padLeft) * channels + c;
      const T* dy = line.dy + start * channels + c;
      int64_t j = start;
      for (; j + addedAtOnce <= end; j += addedAtOnce, x += addedAtOnce * stride * channels, dy += addedAtOnce * channels) {
        addPixels<stride, rows, addedAtOnce>(s, x, dy, sums);
      }
      for (; j < end; j++, x += stride * channels, dy += channels) addPixels<stride, rows, 1>(s, x, dy, sums);
      for (int tap = 0; tap < 3 * rows; tap++) store(line.sums + area * c + tap * lanes, sums[tap / 3][tap % 3]);
    }
  }
  for (int64_t j = inside.to; j < s.outWidth; j++) addPixel<stride, rows>(s, line, j);
}

/** The products of lines of dy, of the whole batch, into sums in double precision. */
template <int stride, typename T>
void addLines(const Shape& s, const T* x, const T* dy, int64_t from, int64_t to, double* totals) {
  const int64_t row = s.width * s.channels, outRow = s.outWidth * s.channels, size = area * s.channels;
  const int64_t lines = s.batch * s.outHeight;
  const int64_t linesInSingle = (pixelsInSingle + s.outWidth - 1) / s.outWidth;
  std::vector<float> sums(static_cast<size_t>(size));
  for (int64_t start = from; start < to; start += linesInSingle) {
    std::fill(sums.begin(), sums.end(), 0.0f);
    for (int64_t index = start; index < std::min(start + linesInSingle, to); index++) {
      const int64_t corner = index % s.outHeight * stride - s.padTop, top = index / s.outHeight * s.height + corner;
      const Span taps = tapsOf(corner, s.height);
      const T* own = dy + index * outRow;
      const Products<T> line{x + (top + taps.from) * row, own, sums.data() + taps.from * 3 * lanes,
                             rowsAfter(s, x, top), {own + outRow, index + 1 < lines ? outRow : 0}};
      withRows(taps, [&](auto rows) {
        if constexpr (rows > 0) addLine<stride, rows>(s, line);
      });
    }
#pragma omp simd
    for (int64_t i = 0; i < size; i++) totals[i] += sums[static_cast<size_t>(i)];
  }
}

}  // namespace

void filterGradient(const Shape& shape, const void* x, const void* dy, float* dFilter) {
  const int64_t size = area * shape.channels, lines = shape.batch * shape.outHeight;
  std::vector<double> totals(static_cast<size_t>(omp_get_max_threads() * size), 0.0);
  int parts = 0;
  specialise(shape.stride, false, shape.dtype, [&](auto stride, auto, auto type) {
    using T = decltype(type);
    parts = parallelParts(lines, area * shape.outWidth * shape.channels, [&](int thread, int64_t from, int64_t to) {
      addLines<stride>(shape, static_cast<const T*>(x), static_cast<const T*>(dy), from, to, &totals[thread * size]);
    });
  });
  for (int64_t i = 0; i < size; i++) {
    double total = 0;
    for (int part = 0; part < parts; part++) total += totals[static_cast<size_t>(part * size + i)];
    dFilter[i / lanes % area * shape.channels + i / (area * lanes) * lanes + i % lanes] = static_cast<float>(total);
  }
}

}  // namespace bag::depthwise3x3
