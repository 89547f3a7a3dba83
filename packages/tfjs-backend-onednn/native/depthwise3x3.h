// Depthwise convolutions by 3×3 filters, and both gradients. They are bound by memory: each pixel is read from it once, a
// filter's numbers stay in registers over several pixels, and 16 bits are read and written as they are.
#pragma once

#include <cstdint>

#include "tensor.h"

namespace bag::depthwise3x3 {

struct Shape {
  int64_t batch, height, width, channels, outHeight, outWidth;
  /** 1 or 2, for both axes. */
  int64_t stride;
  /** 0 to 2. */
  int64_t padTop, padLeft;
  DType dtype;

  /** Whether there are such kernels for it. */
  bool fits() const;
};

/** `filter` is [3, 3, channels]; `bias` may be null. */
void convolve(const Shape& shape, const void* x, const float* filter, const float* bias, void* y);
void inputGradient(const Shape& shape, const void* dy, const float* filter, void* dx);
void filterGradient(const Shape& shape, const void* x, const void* dy, float* dFilter);

}  // namespace bag::depthwise3x3
