// Functions of one tensor.
#include <cmath>
#include <limits>

#include "elementwise.h"
#include "kernels.h"
#include "vector_math.h"

namespace bag {

namespace {

template <typename Operation>
void ofFloats(Arguments& in, Operation op, int64_t cost = 1) {
  const Tensor x = in.stored();
  apply<float, float>(x, in.stored(), op, cost);
}

/** `Integer` is what the operation sees of int32: unsigned where it may overflow. */
template <typename Integer, typename Operation>
void ofNumbers(Arguments& in, Operation op) {
  const Tensor x = in.any(), y = in.any();
  const DType dtype = seen(x.dtype);
  require(seen(y.dtype) == dtype && dtype != DType::boolean, "expected float32 or int32");
  if (dtype == DType::float32) return apply<float, float>(x, y, op);
  apply<Integer, Integer>(x, y, op);
}

template <typename Operation>
void test(Arguments& in, Operation op) {
  const Tensor x = in.stored();
  apply<float, uint8_t>(x, in.tensor(DType::boolean), op);
}

float absolute(float v) { return std::fabs(v); }
uint32_t absolute(uint32_t v) { return v >> 31 ? 0 - v : v; }

/** max(0, v): +0 for −0, NaN for NaN. */
float positive(float v) { return atLeast(0, v) + 0.0f; }
int32_t positive(int32_t v) { return v < 0 ? 0 : v; }

constexpr float seluScale = 1.0507009873554804934193349852946f;
constexpr float seluScaleAlpha = 1.7580993408473768599402175208123f;

}  // namespace

/** A kernel of float32 by an expression of v, and that one's cost in additions. */
#define BAG_OF_FLOATS(Name, cost, expression) \
  void Name(Arguments& in) { ofFloats(in, [](float v) { return expression; }, cost); }

/** The same by the widest vectors, for what costs more than an addition and less than a function of the C library. */
#define BAG_OF_FLOATS_WIDE(Name, expression)                                                               \
  void Name(Arguments& in) {                                                                               \
    const Tensor x = in.stored();                                                                          \
    applyWide(x, in.stored(), [](float v) __attribute__((always_inline)) { return expression; }, 2);       \
  }

BAG_OF_FLOATS(Sqrt, 1, std::sqrt(v))
BAG_OF_FLOATS(Rsqrt, 1, 1 / std::sqrt(v))
BAG_OF_FLOATS(Reciprocal, 1, 1 / v)
BAG_OF_FLOATS(Ceil, 1, std::ceil(v))
BAG_OF_FLOATS(Floor, 1, std::floor(v))
/** Halves go to the even neighbour. */
BAG_OF_FLOATS(Round, 1, std::rint(v))

BAG_OF_FLOATS_WIDE(Exp, vector_math::exp(v))
BAG_OF_FLOATS_WIDE(Expm1, vector_math::expm1(v))
BAG_OF_FLOATS_WIDE(Log, vector_math::log(v))
BAG_OF_FLOATS_WIDE(Log1p, vector_math::log1p(v))
BAG_OF_FLOATS_WIDE(Tanh, vector_math::tanh(v))
BAG_OF_FLOATS_WIDE(Sigmoid, vector_math::sigmoid(v))
BAG_OF_FLOATS_WIDE(Softplus, vector_math::softplus(v))
BAG_OF_FLOATS_WIDE(Erf, vector_math::erf(v))
BAG_OF_FLOATS_WIDE(Elu, v >= 0 ? v : vector_math::expm1(v))
BAG_OF_FLOATS_WIDE(Selu, v >= 0 ? seluScale * v : seluScaleAlpha * vector_math::expm1(v))

BAG_OF_FLOATS(Sin, costly, std::sin(v))
BAG_OF_FLOATS(Cos, costly, std::cos(v))
/** In double precision: near its poles a unit in the last place is much. */
BAG_OF_FLOATS(Tan, costly, static_cast<float>(std::tan(double{v})))
BAG_OF_FLOATS(Asin, costly, std::asin(v))
BAG_OF_FLOATS(Acos, costly, std::acos(v))
BAG_OF_FLOATS(Atan, costly, std::atan(v))
BAG_OF_FLOATS(Sinh, costly, std::sinh(v))
BAG_OF_FLOATS(Cosh, costly, std::cosh(v))
BAG_OF_FLOATS(Asinh, costly, std::asinh(v))
BAG_OF_FLOATS(Acosh, costly, std::acosh(v))
BAG_OF_FLOATS(Atanh, costly, std::atanh(v))

#undef BAG_OF_FLOATS
#undef BAG_OF_FLOATS_WIDE

void Abs(Arguments& in) {
  ofNumbers<uint32_t>(in, [](auto v) { return absolute(v); });
}
void Neg(Arguments& in) {
  ofNumbers<uint32_t>(in, [](auto v) { return -v; });
}
void Square(Arguments& in) {
  ofNumbers<uint32_t>(in, [](auto v) { return v * v; });
}
/** 0 for NaN. */
void Sign(Arguments& in) {
  ofNumbers<int32_t>(in, [](auto v) { return (v > 0 ? 1 : 0) - (v < 0 ? 1 : 0); });
}
void Relu(Arguments& in) {
  ofNumbers<int32_t>(in, [](auto v) { return positive(v); });
}
void Relu6(Arguments& in) {
  ofNumbers<int32_t>(in, [](auto v) { return v > 6 ? 6 : positive(v); });
}

void LeakyRelu(Arguments& in) {
  const Tensor x = in.stored(), y = in.stored();
  const float slope = in.real();
  apply<float, float>(x, y, [slope](float v) { return v < 0 ? slope * v : v; });
}
void Step(Arguments& in) {
  const Tensor x = in.stored(), y = in.stored();
  const float below = in.real();
  apply<float, float>(x, y, [below](float v) {
    const float step = v > 0 ? 1.0f : below;
    return v != v ? v : step;
  });
}
void ClipByValue(Arguments& in) {
  const Tensor x = in.any(), y = in.any();
  const DType dtype = seen(x.dtype);
  require(seen(y.dtype) == dtype && dtype != DType::boolean, "expected float32 or int32");
  const auto clip = [&](auto least, auto most) {
    using T = decltype(least);
    apply<T, T>(x, y, [least, most](T v) {
      const T raised = v < least ? least : v;
      return v > most ? most : raised;
    });
  };
  if (dtype == DType::float32) {
    const float least = in.real();
    return clip(least, in.real());
  }
  constexpr int64_t lowest = std::numeric_limits<int32_t>::min(), highest = std::numeric_limits<int32_t>::max();
  const auto least = static_cast<int32_t>(in.integer(lowest, highest));
  clip(least, static_cast<int32_t>(in.integer(lowest, highest)));
}

void IsNan(Arguments& in) {
  test(in, [](float v) { return v != v; });
}
void IsInf(Arguments& in) {
  test(in, [](float v) { return std::fabs(v) == vector_math::infinity; });
}
void IsFinite(Arguments& in) {
  test(in, [](float v) { return std::fabs(v) < vector_math::infinity; });
}

}  // namespace bag
