// Vectors of eight floats, by the compiler's vector extension: AVX on x86, pairs of NEON registers on ARM.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__AVX__)
#include <immintrin.h>
#endif

/** For what BAG_WIDE functions call: it must become part of them to be compiled as they are. */
#define BAG_INLINE inline __attribute__((always_inline))

/** A function that is compiled for vectors of sixteen, for processors that have them: see `hasWideVectors`. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define BAG_WIDE __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,prefer-vector-width=512")))
#define BAG_COMPILES_WIDE true
#else
#define BAG_WIDE
#define BAG_COMPILES_WIDE false
#endif

namespace bag {

/** Whether BAG_WIDE functions may run: where oneDNN uses AVX-512, too. ONEDNN_MAX_CPU_ISA=AVX2 keeps both from it. */
bool hasWideVectors();

/** Whether oneDNN uses instructions that multiply bfloat16. */
bool multipliesBfloat16();

typedef float Vector __attribute__((vector_size(32)));
typedef int32_t Mask __attribute__((vector_size(32)));
constexpr int64_t lanes = 8;
/** Bytes. */
constexpr int64_t cacheLine = 64;

// All that takes or gives these is inlined, so how they would be passed does not matter.
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

/** Sixteen floats, for BAG_WIDE functions. */
typedef float Wide __attribute__((vector_size(64)));

template <typename V>
constexpr int width = sizeof(V) / sizeof(float);

template <typename V>
BAG_INLINE void read(V& v, const float* p) {
  std::memcpy(&v, p, sizeof v);
}
template <typename V>
BAG_INLINE void write(float* p, const V& v) {
  std::memcpy(p, &v, sizeof v);
}

inline Vector load(const float* p) {
  Vector v;
  read(v, p);
  return v;
}
inline void store(float* p, Vector v) { write(p, v); }
inline Vector splat(float value) { return Vector{} + value; }

/** Past the cache, for results that are larger than it; `p` is 32-byte aligned. */
BAG_INLINE void storeStreaming(float* p, const Vector& v) {
#if defined(__AVX__)
  _mm256_stream_ps(p, (__m256)v);
#else
  write(p, v);
#endif
}

BAG_INLINE Vector lowerHalf(const Wide& v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7); }
BAG_INLINE Vector upperHalf(const Wide& v) { return __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15); }

BAG_INLINE void storeStreaming(float* p, const Wide& v) {
  storeStreaming(p, lowerHalf(v));
  storeStreaming(p + lanes, upperHalf(v));
}

/** Fetches one of so many parts of the lines of the cache from `first` on, near to the processor, to be read or written. */
template <int toWrite = 0>
BAG_INLINE void fetchLines(const char* first, int64_t lines, int64_t part, int64_t parts) {
  const int64_t end = lines * (part + 1) / parts;
  for (int64_t i = lines * part / parts; i < end; i++) __builtin_prefetch(first + i * cacheLine, toWrite, 2);
}

/** Makes streaming stores visible to other threads. */
inline void fence() {
#if defined(__AVX__)
  _mm_sfence();
#endif
}

BAG_INLINE float fusedMultiplyAdd(float a, float b, float c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return __builtin_fmaf(a, b, c);
#else
  return a * b + c;
#endif
}

BAG_INLINE Vector fusedMultiplyAdd(const Vector& a, const Vector& b, const Vector& c) {
#if defined(__FMA__)
  return (Vector)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  Vector result;
  for (int i = 0; i < lanes; i++) result[i] = fusedMultiplyAdd(a[i], b[i], c[i]);
  return result;
#endif
}

/** Where there are vectors as wide as this, the compiler makes one instruction of it. */
BAG_INLINE Wide fusedMultiplyAdd(const Wide& a, const Wide& b, const Wide& c) { return a * b + c; }

/** The larger one; a NaN stays one. */
BAG_INLINE float atLeast(float floor, float v) { return v < floor ? floor : v; }
template <typename V>
BAG_INLINE V atLeast(float floor, const V& v) {
  return v < floor ? V{} + floor : v;
}

/** v where the mask's value is above 0, else 0. */
BAG_INLINE float whereAbove0(float mask, float v) { return mask > 0 ? v : 0; }
template <typename V>
BAG_INLINE V whereAbove0(const V& mask, const V& v) {
  return mask > 0 ? v : V{};
}

/** Bytes of a result from which on it is written past the cache. */
constexpr int64_t streamingBytes = 6 << 20;

}  // namespace bag
