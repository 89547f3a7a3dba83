#include "depthwise3x3.h"

#include <algorithm>
#include <type_traits>

#include "allocator.h"
#include "depthwise3x3_lines.h"

namespace bag::depthwise3x3 {

namespace {

/** Pixels that are computed together. */
constexpr int together = 4;
template <int stride>
constexpr int pixelsOf = stride == 1 ? 4 : 3;

bool streams(int64_t size, DType dtype) { return size * static_cast<int64_t>(bytesOf(dtype)) >= streamingBytes; }

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

}  // namespace bag::depthwise3x3
