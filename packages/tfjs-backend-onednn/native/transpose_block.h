// Transposes a block of a matrix: to[r, c] = from[c, r].
#pragma once

#include <cstdint>

#include "simd.h"

namespace bag {

template <typename T>
void transposeEdge(const T* from, int64_t fromStride, T* to, int64_t toStride, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < columns; c++) to[r * toStride + c] = from[c * fromStride + r];
  }
}

#if defined(__AVX__)
template <bool streaming>
void transpose8x8(const float* from, int64_t fromStride, float* to, int64_t toStride) {
  // Halves of rows i and i + 4 side by side, so that no shuffle has to cross them later.
  __m256 rows[8];
  for (int i = 0; i < 4; i++) {
    const float *low = from + i * fromStride, *high = from + (i + 4) * fromStride;
    rows[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high), 1);
    rows[i + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low + 4)), _mm_loadu_ps(high + 4), 1);
  }
  for (int half = 0; half < 8; half += 4) {
    const __m256 a = _mm256_unpacklo_ps(rows[half], rows[half + 1]), b = _mm256_unpackhi_ps(rows[half], rows[half + 1]);
    const __m256 c = _mm256_unpacklo_ps(rows[half + 2], rows[half + 3]);
    const __m256 d = _mm256_unpackhi_ps(rows[half + 2], rows[half + 3]);
    const __m256 columns[4] = {_mm256_shuffle_ps(a, c, 0x44), _mm256_shuffle_ps(a, c, 0xee),
                               _mm256_shuffle_ps(b, d, 0x44), _mm256_shuffle_ps(b, d, 0xee)};
    for (int i = 0; i < 4; i++) {
      float* target = to + (half + i) * toStride;
      if constexpr (streaming) storeStreaming(target, (Vector)columns[i]);
      else store(target, (Vector)columns[i]);
    }
  }
}

/** Sixteen columns at a time: whole lines of the cache. */
template <bool streaming>
void transposeTiles(const float* from, int64_t fromStride, float* to, int64_t toStride, int64_t rows, int64_t columns) {
  for (int64_t c = 0; c < columns; c += 16) {
    for (int64_t r = 0; r < rows; r += 8) {
      const float* source = from + c * fromStride + r;
      float* target = to + r * toStride + c;
      transpose8x8<streaming>(source, fromStride, target, toStride);
      transpose8x8<streaming>(source + 8 * fromStride, fromStride, target + 8, toStride);
    }
  }
}

inline void transpose8x8(const uint16_t* from, int64_t fromStride, uint16_t* to, int64_t toStride) {
  __m128i rows[8], next[8];
  for (int i = 0; i < 8; i++) rows[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i * fromStride));
  // Three times rows i and i + 4 are interleaved, element by element: so each bit of a row's number becomes one of the
  // column's.
  for (int step = 0; step < 3; step++) {
    for (int i = 0; i < 4; i++) {
      next[2 * i] = _mm_unpacklo_epi16(rows[i], rows[i + 4]);
      next[2 * i + 1] = _mm_unpackhi_epi16(rows[i], rows[i + 4]);
    }
    std::memcpy(rows, next, sizeof rows);
  }
  for (int i = 0; i < 8; i++) _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i * toStride), rows[i]);
}
#endif

template <typename T>
void transposeBlock(const T* from, int64_t fromStride, T* to, int64_t toStride, int64_t rows, int64_t columns, bool) {
  transposeEdge(from, fromStride, to, toStride, rows, columns);
}

inline void transposeBlock(const uint16_t* from, int64_t fromStride, uint16_t* to, int64_t toStride, int64_t rows,
                           int64_t columns, bool) {
  int64_t wholeRows = 0, wholeColumns = 0;
#if defined(__AVX__)
  wholeRows = rows / 8 * 8;
  wholeColumns = columns / 8 * 8;
  for (int64_t r = 0; r < wholeRows; r += 8) {
    for (int64_t c = 0; c < wholeColumns; c += 8) {
      transpose8x8(from + c * fromStride + r, fromStride, to + r * toStride + c, toStride);
    }
  }
#endif
  transposeEdge(from + wholeColumns * fromStride, fromStride, to + wholeColumns, toStride, wholeRows,
                columns - wholeColumns);
  transposeEdge(from + wholeRows, fromStride, to + wholeRows * toStride, toStride, rows - wholeRows, columns);
}

inline void transposeBlock(const uint32_t* from, int64_t fromStride, uint32_t* to, int64_t toStride, int64_t rows,
                           int64_t columns, [[maybe_unused]] bool streaming) {
  int64_t wholeRows = 0, wholeColumns = 0;
#if defined(__AVX__)
  wholeRows = rows / 8 * 8;
  wholeColumns = columns / 16 * 16;
  // Moved as floats, which no load, shuffle or store alters.
  const auto* source = reinterpret_cast<const float*>(from);
  auto* target = reinterpret_cast<float*>(to);
  if (streaming && reinterpret_cast<uintptr_t>(to) % 64 == 0 && toStride % 16 == 0) {
    transposeTiles<true>(source, fromStride, target, toStride, wholeRows, wholeColumns);
  } else {
    transposeTiles<false>(source, fromStride, target, toStride, wholeRows, wholeColumns);
  }
#endif
  transposeEdge(from + wholeColumns * fromStride, fromStride, to + wholeColumns, toStride, wholeRows,
                columns - wholeColumns);
  transposeEdge(from + wholeRows, fromStride, to + wholeRows * toStride, toStride, rows - wholeRows, columns);
}

}  // namespace bag
