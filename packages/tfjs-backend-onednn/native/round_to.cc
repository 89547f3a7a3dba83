// Rounding to the values of 16-bit formats, which stay in floats: to nearest, ties to even (IEEE 754-2019, 4.3.1).
#include <cmath>
#include <limits>

#include "elementwise.h"
#include "kernels.h"
#include "vector_math.h"

namespace bag {

namespace {

using vector_math::bitsOf;
using vector_math::ofBits;

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

/** Rounds the low bits away; a carry goes on into the exponent, up to ∞. Not for NaN. */
template <int count>
inline uint32_t withoutLowBits(uint32_t bits) {
  constexpr uint32_t unit = 1u << count;
  return (bits + unit / 2 - 1 + (bits >> count & 1)) & ~(unit - 1);
}

/** NaN becomes one whose bits are in the upper half. */
inline float toBfloat16(float v) { return v != v ? nan : ofBits(withoutLowBits<16>(bitsOf(v))); }

inline float toFloat16(float v) {
  constexpr float leastNormal = 0x1p-14f;
  // Half way from 65504 to the next, and its tie goes up.
  constexpr float leastInfinite = 65520;
  const float size = std::fabs(v);
  // Next to 0.5 floats have the spacing of float16's denormal numbers, 2⁻²⁴: adding it rounds to them.
  const float small = (size + 0.5f) - 0.5f;
  const float normal = ofBits(withoutLowBits<13>(bitsOf(size)));
  const float finite = size < leastNormal ? small : normal;
  const float rounded = size >= leastInfinite ? vector_math::infinity : finite;
  return v != v ? nan : std::copysign(rounded, v);
}

}  // namespace

/** float16 by the flag, else bfloat16. */
void RoundTo(Arguments& in) {
  const Tensor x = in.floats(), y = in.floats();
  if (in.flag()) apply<float, float>(x, y, [](float v) { return toFloat16(v); });
  else apply<float, float>(x, y, [](float v) { return toBfloat16(v); });
}

}  // namespace bag
