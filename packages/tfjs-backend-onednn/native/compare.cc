// Comparisons and logic: the result is bool.
#include "elementwise.h"
#include "kernels.h"

namespace bag {

namespace {

template <typename Operation>
void compare(Arguments& in, Operation op) {
  const Tensor a = in.any(), b = in.any(), y = in.tensor(DType::boolean);
  const DType dtype = seen(a.dtype);
  require(seen(b.dtype) == dtype, "expected tensors of one type");
  if (dtype == DType::float32) return apply<float, uint8_t>(a, b, y, op);
  if (dtype == DType::int32) return apply<int32_t, uint8_t>(a, b, y, op);
  apply<uint8_t, uint8_t>(a, b, y, op);
}

template <typename Operation>
void ofBooleans(Arguments& in, Operation op) {
  const Tensor a = in.tensor(DType::boolean), b = in.tensor(DType::boolean);
  apply<uint8_t, uint8_t>(a, b, in.tensor(DType::boolean), op);
}

}  // namespace

void Equal(Arguments& in) {
  compare(in, [](auto a, auto b) { return a == b; });
}
void NotEqual(Arguments& in) {
  compare(in, [](auto a, auto b) { return a != b; });
}
void Greater(Arguments& in) {
  compare(in, [](auto a, auto b) { return a > b; });
}
void GreaterEqual(Arguments& in) {
  compare(in, [](auto a, auto b) { return a >= b; });
}
void Less(Arguments& in) {
  compare(in, [](auto a, auto b) { return a < b; });
}
void LessEqual(Arguments& in) {
  compare(in, [](auto a, auto b) { return a <= b; });
}

void LogicalAnd(Arguments& in) {
  ofBooleans(in, [](uint8_t a, uint8_t b) { return a != 0 ? b : 0; });
}
void LogicalOr(Arguments& in) {
  ofBooleans(in, [](uint8_t a, uint8_t b) { return a != 0 ? a : b; });
}
void LogicalNot(Arguments& in) {
  const Tensor x = in.tensor(DType::boolean);
  apply<uint8_t, uint8_t>(x, in.tensor(DType::boolean), [](uint8_t v) { return v == 0; });
}

}  // namespace bag
