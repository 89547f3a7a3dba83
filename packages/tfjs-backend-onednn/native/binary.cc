// Arithmetic of two tensors that broadcast. Integers wrap.
#include <algorithm>
#include <cmath>

#include "elementwise.h"
#include "half.h"
#include "integers.h"
#include "kernels.h"
#include "vector_math.h"

namespace bag {

namespace {

/** `Integer` is what the operation sees of int32: unsigned where it may overflow. */
template <typename Integer, typename Operation>
void arithmetic(Arguments& in, Operation op) {
  const Tensor a = in.any(), b = in.any(), y = in.any();
  const DType dtype = seen(a.dtype);
  require(seen(b.dtype) == dtype && seen(y.dtype) == dtype, "expected tensors of one type");
  if (dtype == DType::float32) return apply<float, float>(a, b, y, op);
  if (dtype == DType::int32) return apply<Integer, Integer>(a, b, y, op);
  apply<uint8_t, uint8_t>(a, b, y, op);
}

/** For float32 and int32, with an operation for each; `ofReals` is the type of the first one's result. */
template <typename Result, typename OfFloats, typename OfIntegers>
void either(Arguments& in, DType ofReals, OfFloats ofFloats, OfIntegers ofIntegers) {
  const Tensor a = in.any(), b = in.any(), y = in.any();
  const bool real = seen(a.dtype) == DType::float32;
  require(seen(b.dtype) == seen(a.dtype) && a.dtype != DType::boolean, "expected float32 or int32");
  require(seen(y.dtype) == (real ? ofReals : DType::int32), "the result is of another type");
  if (real) return apply<float, Result>(a, b, y, ofFloats, costly);
  apply<int32_t, int32_t>(a, b, y, ofIntegers, costly);
}

template <typename Operation>
void ofFloats(Arguments& in, Operation op, int64_t cost = 1) {
  const Tensor a = in.stored(), b = in.stored();
  apply<float, float>(a, b, in.stored(), op, cost);
}

template <typename T>
T larger(T a, T b) {
  return a > b ? a : b;
}
template <typename T>
T smaller(T a, T b) {
  return a < b ? a : b;
}
/** A NaN prevails, and 0 over −0. */
template <>
float larger(float a, float b) {
  using namespace vector_math;
  const float ordered = a > b || a != a ? a : b;
  return a == b ? ofBits(bitsOf(a) & bitsOf(b)) : ordered;
}
template <>
float smaller(float a, float b) {
  using namespace vector_math;
  const float ordered = a < b || a != a ? a : b;
  return a == b ? ofBits(bitsOf(a) | bitsOf(b)) : ordered;
}

int32_t floorOfQuotient(double a, double b) { return toInt32(std::floor(a / b)); }

bool sameSign(double a, double b) { return (a < 0 && b < 0) || (a >= 0 && b >= 0); }

float modulo(float a, float b) {
  const double rest = std::fmod(a, b);
  return static_cast<float>(sameSign(a, b) ? rest : std::fmod(rest + b, double{b}));
}

int32_t modulo(int32_t a, int32_t b) {
  if (b == 0) return 0;
  const int64_t rest = int64_t{a} % b;
  return static_cast<int32_t>(sameSign(a, b) ? rest : (rest + b) % b);
}

/** Where C's result is 1 whatever the exponent, JavaScript's is NaN for exponents that are not finite. */
template <typename T>
T power(T a, T b) {
  if (b == 2) return a * a;
  if (std::isfinite(b) || std::fabs(a) != 1) return b != b ? b : std::pow(a, b);
  return std::numeric_limits<T>::quiet_NaN();
}

}  // namespace

void Add(Arguments& in) {
  arithmetic<uint32_t>(in, [](auto a, auto b) { return a + b; });
}
void Sub(Arguments& in) {
  arithmetic<uint32_t>(in, [](auto a, auto b) { return a - b; });
}
void Multiply(Arguments& in) {
  arithmetic<uint32_t>(in, [](auto a, auto b) { return a * b; });
}
void SquaredDifference(Arguments& in) {
  arithmetic<uint32_t>(in, [](auto a, auto b) { return (a - b) * (a - b); });
}
void Maximum(Arguments& in) {
  arithmetic<int32_t>(in, [](auto a, auto b) { return larger(a, b); });
}
void Minimum(Arguments& in) {
  arithmetic<int32_t>(in, [](auto a, auto b) { return smaller(a, b); });
}

void RealDiv(Arguments& in) {
  ofFloats(in, [](float a, float b) { return a / b; });
}
void Atan2(Arguments& in) {
  ofFloats(in, [](float a, float b) { return std::atan2(a, b); }, costly);
}
void Prelu(Arguments& in) {
  ofFloats(in, [](float x, float slope) { return x < 0 ? slope * x : x; });
}
/** dy and the Elu's result, not its argument. */
void EluGrad(Arguments& in) {
  ofFloats(in, [](float dy, float y) { return y >= 0 ? dy : dy * (y + 1); });
}

void FloorDiv(Arguments& in) {
  either<int32_t>(in, DType::int32, [](float a, float b) { return floorOfQuotient(a, b); },
                  [](int32_t a, int32_t b) { return floorOfQuotient(a, b); });
}
void Mod(Arguments& in) {
  either<float>(in, DType::float32, [](float a, float b) { return modulo(a, b); },
                [](int32_t a, int32_t b) { return modulo(a, b); });
}
void Pow(Arguments& in) {
  either<float>(in, DType::float32, [](float a, float b) { return power(a, b); },
                [](int32_t a, int32_t b) { return toInt32(power<double>(a, b)); });
}

void BitwiseAnd(Arguments& in) {
  const Tensor a = in.tensor(DType::int32), b = in.tensor(DType::int32);
  apply<int32_t, int32_t>(a, b, in.tensor(DType::int32), [](int32_t p, int32_t q) { return p & q; });
}

/** The sum of a list of tensors of one shape, in one pass. */
void AddN(Arguments& in) {
  const Tensor y = in.any();
  std::vector<Tensor> terms(static_cast<size_t>(in.integer(1, 1 << 14)));
  for (auto& term : terms) {
    term = in.tensor(y.dtype);
    require(term.size == y.size, "the terms differ in size");
  }
  const auto sum = [&](auto stored, auto zero) {
    using T = decltype(zero);
    forEachPiece({}, y, static_cast<int64_t>(terms.size()), [&](const Piece& piece) {
      float buffer[tileSize];
      T* __restrict to = piece.result<T>();
      const auto from = [&](size_t term) {
        return numbers(static_cast<const decltype(stored)*>(terms[term].data) + piece.start, buffer, piece.count);
      };
      std::copy_n(from(0), piece.count, to);
      for (size_t term = 1; term < terms.size(); term++) {
        const T* more = from(term);
#pragma omp simd
        for (int64_t i = 0; i < piece.count; i++) to[i] += more[i];
      }
    });
  };
  require(y.dtype != DType::boolean, "expected float32 or int32");
  if (y.dtype == DType::int32) return sum(uint32_t{0}, uint32_t{0});
  withStorage(y.dtype, [&](auto type) { sum(type, 0.0f); });
}

}  // namespace bag
