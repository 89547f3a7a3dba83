// What softmax and cross-entropy share: passes over one row, which the first cache keeps.
#pragma once

#include <algorithm>
#include <cstring>

#include "simd.h"
#include "vector_math.h"

namespace bag {

/** Calls body(i, count) for each vector of a row; only the last may hold fewer than `lanes` values. */
template <typename Body>
inline void forVectors(int64_t length, Body body) {
  int64_t i = 0;
  for (; i + lanes <= length; i += lanes) body(i, lanes);
  if (i < length) body(i, length - i);
}

/** A vector of the `count` values at p, the others `rest`. */
inline Vector loadUpTo(const float* p, int64_t count, float rest) {
  if (count == lanes) return load(p);
  Vector v = splat(rest);
  std::memcpy(&v, p, static_cast<size_t>(count) * sizeof(float));
  return v;
}
inline void storeUpTo(float* p, Vector v, int64_t count) {
  if (count == lanes) return store(p, v);
  std::memcpy(p, &v, static_cast<size_t>(count) * sizeof(float));
}

using vector_math::infinity;

/** The largest value of a row, NaNs left out. */
inline float largestOf(const float* x, int64_t length) {
  Vector largest = splat(-infinity);
  forVectors(length, [&](int64_t i, int64_t count) {
    const Vector v = loadUpTo(x + i, count, -infinity);
    largest = v > largest ? v : largest;
  });
  float result = largest[0];
  for (int i = 1; i < lanes; i++) result = std::max(result, largest[i]);
  return result;
}

/** Writes exp(x − shift) to `terms`, and returns their sum. For few values, as it adds up floats. */
BAG_INLINE float addExponentials(const float* x, int64_t length, float shift, float* __restrict terms) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < length; i++) {
    terms[i] = vector_math::exp(x[i] - shift);
    sum += terms[i];
  }
  return sum;
}

inline float exponentialsOf(const float* x, int64_t length, float shift, float* terms) {
  return addExponentials(x, length, shift, terms);
}
BAG_WIDE inline float exponentialsOfWide(const float* x, int64_t length, float shift, float* terms) {
  return addExponentials(x, length, shift, terms);
}

/** Σ exp(x − shift); the terms are written to `terms`, unless that is null. */
inline double sumOfExponentials(const float* x, int64_t length, float shift, float* terms) {
  constexpr int64_t block = 128;
  float unwanted[block];
  const auto run = hasWideVectors() ? exponentialsOfWide : exponentialsOf;
  double sum = 0;
  for (int64_t i = 0; i < length; i += block) {
    sum += run(x + i, std::min(block, length - i), shift, terms == nullptr ? unwanted : terms + i);
  }
  return sum;
}

}  // namespace bag
