// Passes over activations, whose last axis are channels: two sums per channel, and a function of each element. They are
// bound by memory, so what comes next is fetched while what is there is worked on.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>

#include "half.h"
#include "parallel.h"
#include "simd.h"
#include "tensor.h"

namespace bag::channel_passes {

// What runs on vectors of 8 and of 16 is inlined into a function for each, closures included.
#define BAG_INLINE_BODY __attribute__((always_inline))

/** Columns in a line of the cache, of what is stored in 16 bits. */
constexpr int64_t line = 4 * lanes;

/**
 * Rows of C channels seen as rows of a width that is a multiple of a line, several of the original ones each: each
 * column is still one channel. What is left over is `rest` original rows at the end.
 */
struct Rows {
  int64_t channels, fold, width, count, rest;

  Rows(int64_t size, int64_t channels) : channels(channels) {
    fold = line / std::gcd(channels, line);
    while (channels * fold < 128) fold *= 2;
    width = channels * fold;
    const int64_t rows = size / channels;
    count = rows / fold;
    rest = rows % fold;
  }

  /** A vector of the channels, repeated to the width. */
  std::vector<float> widen(const float* values) const {
    std::vector<float> result(static_cast<size_t>(width));
    for (int64_t i = 0; i < width; i++) result[i] = values[i % channels];
    return result;
  }
};

/** Rows that are summed in single precision before they are added to the double one. */
constexpr int64_t block = 64;

/**
 * Rows that are worked on at once, column by column, so that what belongs to a column stays in registers: as many as
 * stay in the first level of the cache.
 */
inline int64_t rowsAtOnce(int64_t width) { return std::clamp<int64_t>(4096 / width, 1, block); }

/**
 * What a pass reads. Of the rows that come next it is fetched in the order of memory, while the pass itself jumps from
 * row to row: a pass over what is larger than the cache then takes 0.6 of the time.
 */
class Reads {
 public:
  Reads(const Rows& rows, std::initializer_list<const Tensor*> tensors) : rows_(rows.count) {
    for (const auto* t : tensors) {
      if (t->data == nullptr) continue;
      first_[count_] = static_cast<const char*>(t->data);
      rowBytes_[count_++] = rows.width * static_cast<int64_t>(bytesOf(t->dtype));
    }
  }

  /** Fetches one of so many parts of the rows [from, to), as far as there are any. */
  BAG_INLINE void fetch(int64_t from, int64_t to, int64_t part, int64_t parts) const {
    from = std::clamp<int64_t>(from, 0, rows_);
    to = std::clamp(to, from, rows_);
    for (int n = 0; n < count_; n++) {
      fetchLines(first_[n] + from * rowBytes_[n], (to - from) * rowBytes_[n] / cacheLine, part, parts);
    }
  }

 private:
  static constexpr int most = 4;
  int64_t rows_;
  int count_ = 0;
  const char* first_[most];
  int64_t rowBytes_[most];
};

/** Some rows, and those that come next. */
struct Step {
  int64_t from, to, nextFrom, nextTo;
};

/** Adds the terms of a step's rows to two sums for each column. */
template <typename V, typename TermsOf>
BAG_INLINE void addRows(int64_t columns, const Reads& reads, const TermsOf& termsOf, float* a, float* b,
                        const Step& step) {
  for (int64_t c = 0; c < columns; c += line) {
    reads.fetch(step.nextFrom, step.nextTo, c / line, columns / line);
    for (int64_t k = c; k < c + line; k += width<V>) {
      V first, second;
      read(first, a + k);
      read(second, b + k);
      const auto terms = termsOf(k, V{});
      for (int64_t row = step.from; row < step.to; row++) terms(row * columns + k, first, second);
      write(a + k, first);
      write(b + k, second);
    }
  }
}

template <typename TermsOf>
void addRowsBy8(int64_t columns, const Reads& reads, const TermsOf& termsOf, float* a, float* b, const Step& step) {
  addRows<Vector>(columns, reads, termsOf, a, b, step);
}

template <typename TermsOf>
BAG_WIDE void addRowsBy16(int64_t columns, const Reads& reads, const TermsOf& termsOf, float* a, float* b,
                          const Step& step) {
  addRows<Wide>(columns, reads, termsOf, a, b, step);
}

/**
 * Two sums per channel, in double precision. `termsOf(c, zero)` holds what belongs to column c, as a vector or as one
 * number like `zero`; called with (i, first, second), it adds the terms of element i.
 */
template <typename TermsOf>
void twoSums(const Rows& rows, const Reads& reads, TermsOf termsOf, std::vector<double>& first,
             std::vector<double>& second) {
  const int64_t width = rows.width, channels = rows.channels, atOnce = rowsAtOnce(width);
  const int most = omp_get_max_threads();
  std::vector<double> sums(static_cast<size_t>(most * 2 * width), 0.0);
  const auto add = hasWideVectors() ? addRowsBy16<TermsOf> : addRowsBy8<TermsOf>;
  const int parts = parallelParts(rows.count, width, [&](int thread, int64_t from, int64_t to) {
    double* total = &sums[static_cast<size_t>(thread) * 2 * width];
    std::vector<float> partial(static_cast<size_t>(2 * width));
    for (int64_t start = from; start < to; start += block) {
      const int64_t end = std::min(start + block, to);
      std::fill(partial.begin(), partial.end(), 0.0f);
      for (int64_t row = start; row < end; row += atOnce) {
        const int64_t next = std::min(row + atOnce, end);
        add(width, reads, termsOf, partial.data(), partial.data() + width, {row, next, next, next + atOnce});
      }
      for (int64_t c = 0; c < 2 * width; c++) total[c] += partial[c];
    }
  });
  first.assign(static_cast<size_t>(channels), 0.0);
  second.assign(static_cast<size_t>(channels), 0.0);
  for (int part = 0; part < parts; part++) {
    const double* total = &sums[static_cast<size_t>(part) * 2 * width];
    for (int64_t c = 0; c < width; c++) {
      first[c % channels] += total[c];
      second[c % channels] += total[width + c];
    }
  }
  const int64_t start = rows.count * width;
  for (int64_t i = 0; i < rows.rest * channels; i++) {
    float s = 0, q = 0;
    termsOf(i % channels, 0.0f)(start + i, s, q);
    first[i % channels] += s;
    second[i % channels] += q;
  }
}

/** The vectors of a line go together, which is how writing past the cache is fast. */
template <typename V, typename BodyOf, size_t... vectors>
BAG_INLINE void visitLine(int64_t columns, const BodyOf& bodyOf, int64_t c, const Step& step,
                          std::index_sequence<vectors...>) {
  const std::tuple bodies{bodyOf(c + static_cast<int64_t>(vectors) * width<V>, V{})...};
  for (int64_t row = step.from; row < step.to; row++) {
    (std::get<vectors>(bodies)(row * columns + c + static_cast<int64_t>(vectors) * width<V>), ...);
  }
}

template <typename V, typename BodyOf>
BAG_INLINE void visitRows(int64_t columns, const Reads& reads, const BodyOf& bodyOf, const Step& step) {
  for (int64_t c = 0; c < columns; c += line) {
    reads.fetch(step.nextFrom, step.nextTo, c / line, columns / line);
    visitLine<V>(columns, bodyOf, c, step, std::make_index_sequence<line / width<V>>{});
  }
}

template <typename BodyOf>
void visitRowsBy8(int64_t columns, const Reads& reads, const BodyOf& bodyOf, const Step& step) {
  visitRows<Vector>(columns, reads, bodyOf, step);
}

template <typename BodyOf>
BAG_WIDE void visitRowsBy16(int64_t columns, const Reads& reads, const BodyOf& bodyOf, const Step& step) {
  visitRows<Wide>(columns, reads, bodyOf, step);
}

/**
 * Calls `bodyOf(c, zero)`, which holds what belongs to column c, with each element's place; backwards, so that the end of
 * the pass before is still in the cache.
 */
template <typename BodyOf>
void forEach(const Rows& rows, const Reads& reads, BodyOf bodyOf) {
  const int64_t columns = rows.width, atOnce = rowsAtOnce(columns);
  const auto visit = hasWideVectors() ? visitRowsBy16<BodyOf> : visitRowsBy8<BodyOf>;
  parallelFor(rows.count, columns, [&](int64_t from, int64_t to) {
    for (int64_t end = to; end > from; end -= atOnce) {
      const int64_t start = std::max(from, end - atOnce);
      visit(columns, reads, bodyOf, {start, end, start - atOnce, start});
    }
    fence();
  });
  const int64_t start = rows.count * columns;
  for (int64_t i = 0; i < rows.rest * rows.channels; i++) bodyOf(i % rows.channels, 0.0f)(start + i);
}

}  // namespace bag::channel_passes
