// Functions of one float without branches, so that the compiler runs many at a time. Errors are below 3 units in the last
// place, denormal results included; at 0, ±∞ and NaN they are exact.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "simd.h"

namespace bag::vector_math {

constexpr float infinity = std::numeric_limits<float>::infinity();

BAG_INLINE uint32_t bitsOf(float value) { return __builtin_bit_cast(uint32_t, value); }
BAG_INLINE float ofBits(uint32_t bits) { return __builtin_bit_cast(float, bits); }
BAG_INLINE float powerOfTwo(int32_t exponent) { return ofBits(static_cast<uint32_t>(exponent + 127) << 23); }

/** x = exponent·ln 2 + rest, |rest| ≤ ln 2 / 2; `power` is e^rest − 1. */
struct Reduced {
  int32_t exponent;
  float power;
};

/** For |x| < 2^21; NaN gives a `power` of NaN. */
BAG_INLINE Reduced reduce(float x) {
  // Adding 1.5·2²³ rounds to a whole number, which then stands in the low bits.
  constexpr float shift = 12582912.0f;
  const float shifted = fusedMultiplyAdd(x, 1.44269504f, shift);
  const float n = shifted - shift;
  float r = fusedMultiplyAdd(n, -0.693359375f, x);
  r = fusedMultiplyAdd(n, 2.12194440e-4f, r);
  float p = 1.9875691500e-4f;
  p = fusedMultiplyAdd(p, r, 1.3981999507e-3f);
  p = fusedMultiplyAdd(p, r, 8.3334519073e-3f);
  p = fusedMultiplyAdd(p, r, 4.1665795894e-2f);
  p = fusedMultiplyAdd(p, r, 1.6666665459e-1f);
  p = fusedMultiplyAdd(p, r, 5.0000001201e-1f);
  return {static_cast<int32_t>(bitsOf(shifted) - bitsOf(shift)), fusedMultiplyAdd(p, r * r, r)};
}

BAG_INLINE float exp(float x) {
  const float raised = x < -104.0f ? -104.0f : x;
  const float bounded = raised > 89.0f ? 89.0f : raised;
  const auto [exponent, power] = reduce(bounded);
  // In two steps: 2^exponent itself may be too small, or too large, for a float.
  const int32_t half = exponent >> 1;
  return (power + 1.0f) * powerOfTwo(half) * powerOfTwo(exponent - half);
}

BAG_INLINE float expm1(float x) {
  const float bounded = x < -30.0f ? -30.0f : x > 89.0f ? 89.0f : x;
  const auto [exponent, power] = reduce(bounded);
  const float half = powerOfTwo(exponent - 1);
  const float result = 2 * fusedMultiplyAdd(half, power, half - 0.5f);
  return std::fabs(x) < 1e-15f ? x : result;
}

/** For x from the smallest normal number to the largest. */
BAG_INLINE float logOfNormal(float x) {
  // m in [√½, √2), x = m·2^exponent.
  constexpr uint32_t rootOfHalf = 0x3f3504f3;
  const uint32_t bits = bitsOf(x) - rootOfHalf;
  const float exponent = static_cast<float>(static_cast<int32_t>(bits) >> 23);
  const float f = ofBits((bits & 0x7fffff) + rootOfHalf) - 1;
  const float square = f * f;
  float p = 7.0376836292e-2f;
  p = fusedMultiplyAdd(p, f, -1.1514610310e-1f);
  p = fusedMultiplyAdd(p, f, 1.1676998740e-1f);
  p = fusedMultiplyAdd(p, f, -1.2420140846e-1f);
  p = fusedMultiplyAdd(p, f, 1.4249322787e-1f);
  p = fusedMultiplyAdd(p, f, -1.6668057665e-1f);
  p = fusedMultiplyAdd(p, f, 2.0000714765e-1f);
  p = fusedMultiplyAdd(p, f, -2.4999993993e-1f);
  p = fusedMultiplyAdd(p, f, 3.3333331174e-1f);
  float rest = p * f * square;
  rest = fusedMultiplyAdd(exponent, -2.12194440e-4f, rest);
  rest = fusedMultiplyAdd(square, -0.5f, rest);
  return fusedMultiplyAdd(exponent, 0.693359375f, f + rest);
}

/** ln x for every x, given what it is where x is positive and finite. */
BAG_INLINE float logAtEdges(float x, float result) {
  const float atMost0 = x == 0 ? -infinity : std::numeric_limits<float>::quiet_NaN();
  return x > 0 ? (x == infinity ? infinity : result) : atMost0;
}

BAG_INLINE float log(float x) {
  const bool tiny = x < std::numeric_limits<float>::min();
  // 23·ln 2, which is rounded no worse than the result.
  const float result = logOfNormal(tiny ? x * 8388608.0f : x) - (tiny ? 15.9423851f : 0.0f);
  return logAtEdges(x, result);
}

/** For x from 0 to the largest number. */
BAG_INLINE float log1pOfPositive(float x) {
  const float sum = 1 + x;
  return logOfNormal(sum) + (x - (sum - 1)) / sum;
}

BAG_INLINE float log1p(float x) {
  const float result = logAtEdges(1 + x, log1pOfPositive(x));
  return std::fabs(x) < 1e-15f ? x : result;
}

BAG_INLINE float tanh(float x) {
  const float size = std::fabs(x);
  const float grown = expm1(2 * (size > 10.0f ? 10.0f : size));
  return std::copysign(grown / (grown + 2), x);
}

/** 1 / (1 + e^−x) */
BAG_INLINE float sigmoid(float x) {
  const float decayed = exp(-std::fabs(x)), upper = 1 / (1 + decayed);
  return x < 0 ? decayed * upper : upper;
}

/** ln(1 + e^x) */
BAG_INLINE float softplus(float x) { return (x > 0 ? x : 0.0f) + log1pOfPositive(exp(-std::fabs(x))); }

/** x·P(x²) near 0, 1 − e^Q(x) beyond; both fitted to the least largest error. */
BAG_INLINE float erf(float x) {
  const float size = std::fabs(x), square = x * x;
  float p = -5.9539464e-4f;
  p = fusedMultiplyAdd(p, square, 4.9859896e-3f);
  p = fusedMultiplyAdd(p, square, -2.6761763e-2f);
  p = fusedMultiplyAdd(p, square, 1.1281684e-1f);
  p = fusedMultiplyAdd(p, square, -3.7612481e-1f);
  p = fusedMultiplyAdd(p, square, 1.2837915e-1f);
  const float near = fusedMultiplyAdd(p, x, x);
  // At 4 it is 1 already.
  const float t = size > 4.0f ? 4.0f : size;
  float q = -2.0828486e-5f;
  q = fusedMultiplyAdd(q, t, 4.3138989e-4f);
  q = fusedMultiplyAdd(q, t, -4.1562275e-3f);
  q = fusedMultiplyAdd(q, t, 2.5080521e-2f);
  q = fusedMultiplyAdd(q, t, -1.0822021e-1f);
  q = fusedMultiplyAdd(q, t, -6.3340104e-1f);
  q = fusedMultiplyAdd(q, t, -1.1294883f);
  q = fusedMultiplyAdd(q, t, 1.6918200e-4f);
  const auto [exponent, power] = reduce(q);
  const float far = std::copysign(1 - (1 + power) * powerOfTwo(exponent), x);
  return size < 0.92f ? near : far;
}

}  // namespace bag::vector_math
