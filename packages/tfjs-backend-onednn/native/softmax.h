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
/** The first `count` lanes of v, the others 0. */
inline Vector firstOf(Vector v, int64_t count) {
  if (count == lanes) return v;
  Vector some{};
  std::memcpy(&some, &v, static_cast<size_t>(count) * sizeof(float));
  return some;
}

inline float total(Vector v) {
  return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7]));
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

/** Σ exp(x − shift); what is given for `put` gets each vector of terms. */
template <typename Put>
inline double sumOfExponentials(const float* x, int64_t length, float shift, Put put) {
  double sum = 0;
  // Float lanes add up a few hundred values at most before they go into the double.
  constexpr int64_t block = 512;
  for (int64_t start = 0; start < length; start += block) {
    Vector partial{};
    forVectors(std::min(block, length - start), [&](int64_t i, int64_t count) {
      const Vector term = vector_math::exp(loadUpTo(x + start + i, count, -infinity) - shift);
      partial += firstOf(term, count);
      put(start + i, term, count);
    });
    sum += total(partial);
  }
  return sum;
}

}  // namespace bag
