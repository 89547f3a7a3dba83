// The filter's gradient of 3×3 depthwise convolutions.
#include <algorithm>
#include <vector>

#include "depthwise3x3_lines.h"

namespace bag::depthwise3x3 {

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
