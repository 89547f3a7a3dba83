// eˣ for vectors of floats.
#pragma once

#include "simd.h"

namespace bag {

/** eˣ, wrong by at most two units in the last place; 0, ∞ and NaN where they belong. */
inline Vector exponential(Vector x) {
  x = x < -104.0f ? splat(-104.0f) : x;
  x = x > 89.0f ? splat(89.0f) : x;
  // x = n·ln 2 + r. Adding 1.5·2²³ rounds to a whole number, which then stands in the low bits.
  const Vector shift = splat(12582912.0f);
  const Vector shifted = fusedMultiplyAdd(x, splat(1.44269504f), shift);
  const Vector n = shifted - shift;
  Vector r = fusedMultiplyAdd(n, splat(-0.693359375f), x);
  r = fusedMultiplyAdd(n, splat(2.12194440e-4f), r);
  Vector p = splat(1.9875691500e-4f);
  for (const float c : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f}) {
    p = fusedMultiplyAdd(p, r, splat(c));
  }
  p = fusedMultiplyAdd(p, r * r, r) + 1.0f;
  // 2ⁿ in two factors: one alone would leave the range of floats for results near its ends.
  const Mask exponent = (Mask)shifted - (Mask)shift, half = exponent >> 1;
  return p * (Vector)((half + 127) << 23) * (Vector)((exponent - half + 127) << 23);
}

/** A vector of the `count` < lanes values at p, the others `rest`. */
inline Vector loadSome(const float* p, int64_t count, float rest) {
  Vector v = splat(rest);
  std::memcpy(&v, p, static_cast<size_t>(count) * sizeof(float));
  return v;
}
/** The first `count` lanes of v, the others 0. */
inline Vector someOf(Vector v, int64_t count) {
  Vector some{};
  std::memcpy(&some, &v, static_cast<size_t>(count) * sizeof(float));
  return some;
}
inline void storeSome(float* p, Vector v, int64_t count) {
  std::memcpy(p, &v, static_cast<size_t>(count) * sizeof(float));
}

}  // namespace bag
