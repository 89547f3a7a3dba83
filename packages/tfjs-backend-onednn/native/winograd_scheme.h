// The matrices of Winograd's algorithm along one axis. They come from the points at which polynomials are evaluated: 0, ±1
// and ∞ for results of 2, and 0, ±3/4, ±3/2 and ∞ for results of 4, which keep the rounding of float32 smaller than the
// usual 0, ±1, ±2 and ∞ do (a fourth of it, measured).
#pragma once

#include "simd.h"

namespace bag::winograd {

/** F(side, 3): `tile` values give `side` results. Vectors along an axis are `step` apart. */
template <int side>
struct Scheme;

template <>
struct Scheme<2> {
  static constexpr int side = 2, tile = 4, positions = tile * tile;

  /** G: from three to `tile`. */
  template <typename V>
  static BAG_INLINE void expand(const V* g, V* u, int step) {
    const V first = g[0], third = g[2 * step], half = (first + third) * 0.5f, middle = g[step] * 0.5f;
    u[0] = first;
    u[step] = half + middle;
    u[2 * step] = half - middle;
    u[3 * step] = third;
  }

  /** Gᵀ: from `tile` to three. */
  template <typename V>
  static BAG_INLINE void contract(const V* s, V* g, int step) {
    const V sum = (s[step] + s[2 * step]) * 0.5f;
    g[0] = s[0] + sum;
    g[step] = (s[step] - s[2 * step]) * 0.5f;
    g[2 * step] = sum + s[3 * step];
  }

  /** Bᵀ, in place. */
  template <typename V>
  static BAG_INLINE void transformInput(V* d, int step) {
    const V first = d[0] - d[2 * step], second = d[step] + d[2 * step];
    const V third = d[2 * step] - d[step], fourth = d[step] - d[3 * step];
    d[0] = first;
    d[step] = second;
    d[2 * step] = third;
    d[3 * step] = fourth;
  }

  /** Aᵀ: from `tile` side by side to `side`. */
  template <typename V>
  static BAG_INLINE void collect(const V* m, V* y, int step) {
    y[0] = m[0] + (m[1] + m[2]);
    y[step] = (m[1] - m[2]) - m[3];
  }

  /** A: from `side` side by side to `tile`. */
  template <typename V>
  static BAG_INLINE void spread(const V* e, V* to, int step) {
    const V first = e[0], second = e[1];
    to[0] = first;
    to[step] = first + second;
    to[2 * step] = first - second;
    to[3 * step] = -second;
  }
};

template <>
struct Scheme<4> {
  static constexpr int side = 4, tile = 6, positions = tile * tile;
  static constexpr float a = 0.75f, b = 1.5f, a2 = a * a, b2 = b * b, product = a2 * b2, sum = a2 + b2;
  /** Those of G's rows: 1 over the derivative of x (x² − a²) (x² − b²) at the points. */
  static constexpr float at0 = 1 / product, atA = 0.5f / (a2 * (a2 - b2)), atB = 0.5f / (b2 * (b2 - a2));

  template <typename V>
  static BAG_INLINE void expand(const V* g, V* u, int step) {
    const V first = g[0], second = g[step], third = g[2 * step];
    const V evenA = (first + third * a2) * atA, oddA = second * (a * atA);
    const V evenB = (first + third * b2) * atB, oddB = second * (b * atB);
    u[0] = first * at0;
    u[step] = evenA + oddA;
    u[2 * step] = evenA - oddA;
    u[3 * step] = evenB + oddB;
    u[4 * step] = evenB - oddB;
    u[5 * step] = third;
  }

  template <typename V>
  static BAG_INLINE void contract(const V* s, V* g, int step) {
    const V evenA = (s[step] + s[2 * step]) * atA, oddA = (s[step] - s[2 * step]) * (a * atA);
    const V evenB = (s[3 * step] + s[4 * step]) * atB, oddB = (s[3 * step] - s[4 * step]) * (b * atB);
    g[0] = s[0] * at0 + (evenA + evenB);
    g[step] = oddA + oddB;
    g[2 * step] = (evenA * a2 + evenB * b2) + s[5 * step];
  }

  template <typename V>
  static BAG_INLINE void transformInput(V* d, int step) {
    const V d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
    const V evenA = d4 - d2 * b2, oddA = d3 - d1 * b2, evenB = d4 - d2 * a2, oddB = d3 - d1 * a2;
    d[0] = (d4 - d2 * sum) + d[0] * product;
    d[step] = evenA + oddA * a;
    d[2 * step] = evenA - oddA * a;
    d[3 * step] = evenB + oddB * b;
    d[4 * step] = evenB - oddB * b;
    d[5 * step] = (d[5 * step] - d3 * sum) + d1 * product;
  }

  template <typename V>
  static BAG_INLINE void collect(const V* m, V* y, int step) {
    const V evenA = m[1] + m[2], oddA = (m[1] - m[2]) * a, evenB = m[3] + m[4], oddB = (m[3] - m[4]) * b;
    y[0] = m[0] + (evenA + evenB);
    y[step] = oddA + oddB;
    y[2 * step] = evenA * a2 + evenB * b2;
    y[3 * step] = (oddA * a2 + oddB * b2) + m[5];
  }

  template <typename V>
  static BAG_INLINE void spread(const V* e, V* to, int step) {
    const V first = e[0], last = e[3];
    const V evenA = first + e[2] * a2, oddA = (e[1] + last * a2) * a;
    const V evenB = first + e[2] * b2, oddB = (e[1] + last * b2) * b;
    to[0] = first;
    to[step] = evenA + oddA;
    to[2 * step] = evenA - oddA;
    to[3 * step] = evenB + oddB;
    to[4 * step] = evenB - oddB;
    to[5 * step] = last;
  }
};

}  // namespace bag::winograd
