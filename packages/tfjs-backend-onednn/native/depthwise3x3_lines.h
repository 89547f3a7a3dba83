// What the depthwise kernels share: which taps and windows meet the image, and memory that is read next.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "depthwise3x3.h"
#include "half.h"
#include "parallel.h"
#include "simd.h"

namespace bag::depthwise3x3 {

/** Numbers of a filter that one channel has. */
inline constexpr int64_t area = 9;

/** Some of the indices 0, 1, 2 of a filter, or of an image's columns. */
struct Span {
  int64_t from, to;
};

/** The taps of a window that meet an image of this size. */
inline Span tapsOf(int64_t corner, int64_t size) {
  return {std::max<int64_t>(0, -corner), std::min<int64_t>(3, size - corner)};
}

/** The windows all of whose columns are inside of the image. */
inline Span whole(const Shape& s) {
  const int64_t from = std::min((s.padLeft + s.stride - 1) / s.stride, s.outWidth);
  const int64_t last = s.width - 3 + s.padLeft;
  const int64_t to = last < 0 ? 0 : last / s.stride + 1;
  return {from, std::clamp(to, from, s.outWidth)};
}

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

/** Hands the number of rows, 0 to 3, to a function as a constant. */
template <typename Function>
void withRows(Span taps, Function function) {
  const int64_t rows = taps.to - taps.from;
  if (rows == 3) function(std::integral_constant<int, 3>{});
  else if (rows == 2) function(std::integral_constant<int, 2>{});
  else if (rows == 1) function(std::integral_constant<int, 1>{});
  else function(std::integral_constant<int, 0>{});
}

}  // namespace bag::depthwise3x3
