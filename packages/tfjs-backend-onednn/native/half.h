// The 16-bit formats: to nearest, ties to even (IEEE 754-2019, 4.3.1). A NaN stays one.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "simd.h"
#include "tensor.h"
#include "vector_math.h"

namespace bag {

/** Rounds the low bits away; a carry goes on into the exponent, up to ∞. Not for NaN. */
template <int count>
BAG_INLINE uint32_t withoutLowBits(uint32_t bits) {
  constexpr uint32_t unit = 1u << count;
  return (bits + unit / 2 - 1 + (bits >> count & 1)) & ~(unit - 1);
}

/** The nearest bfloat16, as a float. NaN becomes one whose bits are in the upper half. */
BAG_INLINE float toBfloat16(float v) {
  using namespace vector_math;
  return v != v ? std::numeric_limits<float>::quiet_NaN() : ofBits(withoutLowBits<16>(bitsOf(v)));
}

/** The nearest float16, as a float. */
BAG_INLINE float toFloat16(float v) {
  using namespace vector_math;
  constexpr float leastNormal = 0x1p-14f;
  // Half way from 65504 to the next, and its tie goes up.
  constexpr float leastInfinite = 65520;
  const float size = std::fabs(v);
  // Next to 0.5 floats have the spacing of float16's denormal numbers, 2⁻²⁴: adding it rounds to them.
  const float small = (size + 0.5f) - 0.5f;
  const float normal = ofBits(withoutLowBits<13>(bitsOf(size)));
  const float finite = size < leastNormal ? small : normal;
  const float rounded = size >= leastInfinite ? infinity : finite;
  return v != v ? std::numeric_limits<float>::quiet_NaN() : std::copysign(rounded, v);
}

/** bfloat16 in memory: the upper half of a float. */
struct Bfloat16 {
  uint16_t bits;

  static BAG_INLINE Bfloat16 of(float v) {
    return {static_cast<uint16_t>(vector_math::bitsOf(toBfloat16(v)) >> 16)};
  }
  BAG_INLINE float value() const { return vector_math::ofBits(static_cast<uint32_t>(bits) << 16); }
};

/** float16 in memory. */
struct Float16 {
  uint16_t bits;

  static BAG_INLINE Float16 of(float v) {
    using namespace vector_math;
    const float rounded = toFloat16(v), size = std::fabs(rounded);
    const uint32_t sign = bitsOf(v) >> 16 & 0x8000;
    // Denormal numbers are whole multiples of 2⁻²⁴; the exponent of others is counted from −15 instead of −127.
    const uint32_t denormal = static_cast<uint32_t>(static_cast<int32_t>(size * 0x1p24f));
    const uint32_t normal = (bitsOf(size) >> 13) - (112u << 10);
    const uint32_t finite = size < 0x1p-14f ? denormal : normal;
    const uint32_t magnitude = size > 65504.0f ? 0x7c00 : finite;
    return {static_cast<uint16_t>(v != v ? 0x7e00 : sign | magnitude)};
  }
  BAG_INLINE float value() const {
    using namespace vector_math;
    const uint32_t magnitude = bits & 0x7fff;
    // A scaling by 2¹¹² moves the exponent's zero and makes denormal numbers normal.
    const float finite = ofBits(magnitude << 13) * 0x1p112f;
    const float special = magnitude == 0x7c00 ? infinity : std::numeric_limits<float>::quiet_NaN();
    return std::copysign(magnitude >= 0x7c00 ? special : finite, ofBits(static_cast<uint32_t>(bits) << 16));
  }
};

// Vectors of eight or sixteen.

BAG_INLINE void read(Vector& v, const Bfloat16* p) {
#if defined(__AVX2__)
  // GCC 12 makes five instructions of a conversion by lanes.
  const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  v = (Vector)_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16);
#else
  for (int i = 0; i < lanes; i++) v[i] = p[i].value();
#endif
}

BAG_INLINE void write(Bfloat16* p, const Vector& v) {
#if defined(__AVX2__)
  typedef uint32_t Words __attribute__((vector_size(32)));
  const Words bits = (Words)v, rounded = bits + 0x7fff + (bits >> 16 & 1);
  const __m256i words = (__m256i)((v == v ? rounded : Words{} + 0x7fc00000) >> 16);
  const __m128i halves = _mm_packus_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), halves);
#else
  for (int i = 0; i < lanes; i++) p[i] = Bfloat16::of(v[i]);
#endif
}

typedef uint32_t WideWords __attribute__((vector_size(64)));
/** Sixteen words, by halves. */
typedef uint16_t WordHalves __attribute__((vector_size(64)));
typedef uint16_t WideHalves __attribute__((vector_size(32)));

// By one permutation of halves each: GCC 12 takes four instructions for a conversion by lanes.

BAG_INLINE void read(Wide& v, const Bfloat16* p) {
  WideHalves halves;
  std::memcpy(&halves, p, sizeof halves);
  const WordHalves lower = __builtin_shufflevector(halves, halves, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
                                                   -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  v = (Wide)__builtin_shufflevector(WordHalves{}, lower, 0, 32, 0, 33, 0, 34, 0, 35, 0, 36, 0, 37, 0, 38, 0, 39, 0, 40,
                                    0, 41, 0, 42, 0, 43, 0, 44, 0, 45, 0, 46, 0, 47);
}

BAG_INLINE void write(Bfloat16* p, const Wide& v) {
  const WideWords bits = (WideWords)v, rounded = bits + 0x7fff + (bits >> 16 & 1);
  const auto words = (WordHalves)(v == v ? rounded : WideWords{} + 0x7fc00000);
  const WideHalves upper = __builtin_shufflevector(words, words, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29,
                                                   31);
  std::memcpy(p, &upper, sizeof upper);
}

BAG_INLINE void read(Vector& v, const Float16* p) {
#if defined(__F16C__)
  v = (Vector)_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#else
  for (int i = 0; i < lanes; i++) v[i] = p[i].value();
#endif
}

BAG_INLINE void write(Float16* p, const Vector& v) {
#if defined(__F16C__)
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT));
#else
  for (int i = 0; i < lanes; i++) p[i] = Float16::of(v[i]);
#endif
}

BAG_INLINE void read(Wide& v, const Float16* p) {
  Vector low, high;
  read(low, p);
  read(high, p + lanes);
  v = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

BAG_INLINE void write(Float16* p, const Wide& v) {
  write(p, lowerHalf(v));
  write(p + lanes, upperHalf(v));
}

template <typename Half, typename = decltype(Half::bits)>
inline Vector load(const Half* p) {
  Vector v;
  read(v, p);
  return v;
}

template <typename Half, typename = decltype(Half::bits)>
inline void store(Half* p, Vector v) {
  write(p, v);
}

/** Past the cache; `p` is aligned to what is stored. */
template <typename Half, typename V, typename = decltype(Half::bits)>
BAG_INLINE void storeStreaming(Half* p, const V& v) {
#if defined(__AVX__)
  __m128i halves[width<V> / lanes];
  write(reinterpret_cast<Half*>(halves), v);
  for (int i = 0; i < width<V> / lanes; i++) _mm_stream_si128(reinterpret_cast<__m128i*>(p) + i, halves[i]);
#else
  write(p, v);
#endif
}

/** A vector, or one number, as the second argument is; of whatever floats are stored in. */
template <typename T, typename V>
BAG_INLINE V get(const T* p, const V&) {
  V v;
  read(v, p);
  return v;
}
BAG_INLINE float get(const float* p, float) { return *p; }
template <typename Half>
BAG_INLINE float get(const Half* p, float) {
  return p->value();
}

template <bool streaming = false, typename T, typename V>
BAG_INLINE void put(T* p, const V& v) {
  if constexpr (streaming) storeStreaming(p, v);
  else write(p, v);
}
template <bool streaming = false, typename T>
BAG_INLINE void put(T* p, float v) {
  if constexpr (std::is_same_v<T, float>) *p = v;
  else *p = T::of(v);
}

/** Hands a tensor's type of floats to a function, as a value of it. */
template <typename Function>
void withStorage(DType dtype, Function function) {
  if (dtype == DType::bfloat16) function(Bfloat16{});
  else if (dtype == DType::float16) function(Float16{});
  else function(float{});
}

/** A stretch of values in 16 bits, as floats. */
template <typename T>
void widen(const T* from, float* to, int64_t count) {
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) store(to + i, load(from + i));
  for (; i < count; i++) to[i] = get(from + i, 0.0f);
}

inline void widen(const void* from, DType dtype, float* to, int64_t count) {
  withStorage(dtype, [=](auto type) { widen(static_cast<const decltype(type)*>(from), to, count); });
}

/** A stretch of numbers to compute with: those in 16 bits are widened into `buffer`, others stay where they are. */
template <typename T>
auto* numbers(const T* from, [[maybe_unused]] float* buffer, [[maybe_unused]] int64_t count) {
  if constexpr (std::is_arithmetic_v<T>) {
    return from;
  } else {
    widen(from, buffer, count);
    return static_cast<const float*>(buffer);
  }
}

/** A stretch of floats, in 16 bits. */
inline void narrow(const float* from, void* to, DType dtype, int64_t count) {
  withStorage(dtype, [=](auto type) {
    auto* halves = static_cast<decltype(type)*>(to);
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes) store(halves + i, load(from + i));
    for (; i < count; i++) put(halves + i, from[i]);
  });
}

}  // namespace bag
