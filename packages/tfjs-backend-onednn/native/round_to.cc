// Rounding to the values of 16-bit formats, which stay in floats or become 16 bits.
#include "elementwise.h"
#include "in_floats.h"
#include "kernels.h"

namespace bag {

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
  widenAll(x, y.floats());
}

/** From 32 bits to 16, to the nearest. */
void Narrow(Arguments& in) {
  const Tensor x = in.floats(), y = in.stored();
  require(x.size == y.size && isHalf(y.dtype), "expected a tensor in 32 bits and one of its size in 16");
  narrowAll(x.floats(), y);
}

}  // namespace bag
