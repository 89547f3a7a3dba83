// Numbers to int32 as JavaScript does it: truncated, modulo 2³², 0 for NaN and ±∞.
#pragma once

#include <cmath>
#include <cstdint>

namespace bag {

inline int32_t toInt32(double value) {
  if (std::fabs(value) < 2147483648.0) return static_cast<int32_t>(value);
  if (!std::isfinite(value)) return 0;
  return static_cast<int32_t>(static_cast<uint32_t>(static_cast<int64_t>(std::fmod(value, 4294967296.0))));
}

}  // namespace bag
