// Rounding to the values of 16-bit formats, which stay in floats or become 16 bits.
#include "elementwise.h"
#include "half.h"
#include "kernels.h"
#include "parallel.h"

namespace bag {

namespace {

template <typename Half>
void widen(const Tensor& x, const Tensor& y) {
  const auto* from = static_cast<const Half*>(x.data);
  float* to = y.floats();
  parallelFor(x.size, 1, [=](int64_t first, int64_t end) {
    for (int64_t i = first; i < end; i++) to[i] = from[i].value();
  }, lanes);
}

template <typename Half>
void narrow(const Tensor& x, const Tensor& y) {
  const float* from = x.floats();
  auto* to = static_cast<Half*>(y.data);
  parallelFor(x.size, 1, [=](int64_t first, int64_t end) {
    for (int64_t i = first; i < end; i++) to[i] = Half::of(from[i]);
  }, lanes);
}

}  // namespace

/** float16 by the flag, else bfloat16. */
void RoundTo(Arguments& in) {
  const Tensor x = in.floats(), y = in.floats();
  if (in.flag()) apply<float, float>(x, y, [](float v) { return toFloat16(v); });
  else apply<float, float>(x, y, [](float v) { return toBfloat16(v); });
}

/** From 16 bits to 32. */
void Widen(Arguments& in) {
  const Tensor x = in.stored(), y = in.floats();
  require(x.size == y.size && isHalf(x.dtype), "expected a tensor in 16 bits and one of its size in 32");
  if (x.dtype == DType::bfloat16) widen<Bfloat16>(x, y);
  else widen<Float16>(x, y);
}

/** From 32 bits to 16, to the nearest. */
void Narrow(Arguments& in) {
  const Tensor x = in.floats(), y = in.stored();
  require(x.size == y.size && isHalf(y.dtype), "expected a tensor in 32 bits and one of its size in 16");
  if (y.dtype == DType::bfloat16) narrow<Bfloat16>(x, y);
  else narrow<Float16>(x, y);
}

}  // namespace bag
