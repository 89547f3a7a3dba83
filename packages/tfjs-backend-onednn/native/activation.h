// Activations after a convolution or a product, in a pass of their own: oneDNN's lose NaNs (max(0, ·)) and the small
// values of elu.
#pragma once

#include <cmath>

#include "parallel.h"
#include "tensor.h"

namespace bag {

/** As src/activation.ts numbers them. */
enum class Activation : int64_t { linear, relu, relu6, elu, sigmoid, leakyRelu };

template <typename Function>
void transform(const Tensor& y, Function function) {
  float* values = y.floats();
  parallelFor(y.size, 1, [=](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) values[i] = function(values[i]);
  }, 16);
}

/** Applies an activation in place. Comparisons are such that a NaN stays one. */
inline void activate(const Tensor& y, Activation activation, float alpha) {
  switch (activation) {
    case Activation::linear: return;
    case Activation::relu: return transform(y, [](float v) { return v <= 0 ? 0 : v; });
    case Activation::relu6: return transform(y, [](float v) { return v <= 0 ? 0 : v > 6 ? 6 : v; });
    case Activation::elu: return transform(y, [](float v) { return v >= 0 ? v : std::expm1(v); });
    case Activation::sigmoid:
      return transform(y, [](float v) {
        const float small = std::exp(-std::fabs(v));
        return (v < 0 ? small : 1) / (1 + small);
      });
    case Activation::leakyRelu: return transform(y, [=](float v) { return v < 0 ? alpha * v : v; });
  }
}

}  // namespace bag
