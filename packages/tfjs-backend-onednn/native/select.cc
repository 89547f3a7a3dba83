// Kernels that move values: by a condition, from one type to another, or one value everywhere.
#include <algorithm>
#include <cmath>

#include "elementwise.h"
#include "integers.h"
#include "kernels.h"

namespace bag {

namespace {

template <typename T>
void select(const Tensor& condition, const Tensor& yes, const Tensor& no, const Tensor& y) {
  forEachPiece({&condition, &yes, &no}, y, 1, [](const Piece& piece) {
    const uint8_t* chosen = piece.operand<uint8_t>(0);
    const T *left = piece.operand<T>(1), *right = piece.operand<T>(2);
    T* __restrict to = piece.result<T>();
#pragma omp simd
    for (int64_t i = 0; i < piece.count; i++) {
      // Both are loaded, so that the choice is a blend and no masked load.
      const T a = left[i], b = right[i];
      to[i] = chosen[i] == 1 ? a : b;
    }
  });
}

template <typename T>
void fill(const Tensor& y, T value) {
  forEachPiece({}, y, 1, [value](const Piece& piece) { std::fill_n(piece.result<T>(), piece.count, value); });
}

/** As toInt32, where the processor's own conversion does it, else one at a time. */
void truncate(const Tensor& x, const Tensor& y) {
  forEachPiece({&x}, y, 1, [](const Piece& piece) {
    const float* from = piece.operand<float>(0);
    int32_t* __restrict to = piece.result<int32_t>();
    constexpr int64_t block = 256;
    for (int64_t start = 0; start < piece.count; start += block) {
      const int64_t end = std::min(start + block, piece.count);
      int32_t outside = 0;
#pragma omp simd reduction(| : outside)
      for (int64_t i = start; i < end; i++) outside |= std::fabs(from[i]) < 2147483648.0f ? 0 : 1;
      if (outside) {
        for (int64_t i = start; i < end; i++) to[i] = toInt32(from[i]);
      } else {
#pragma omp simd
        for (int64_t i = start; i < end; i++) to[i] = static_cast<int32_t>(from[i]);
      }
    }
  });
}

template <typename To, typename From>
void convert(const Tensor& x, const Tensor& y) {
  apply<From, To>(x, y, [](From v) { return static_cast<To>(v); });
}

}  // namespace

/** The condition, and both others, broadcast to the result. */
void Select(Arguments& in) {
  const Tensor condition = in.tensor(DType::boolean), yes = in.any(), no = in.any(), y = in.any();
  require(seen(yes.dtype) == seen(y.dtype) && seen(no.dtype) == seen(y.dtype), "expected tensors of one type");
  if (y.dtype == DType::boolean) select<uint8_t>(condition, yes, no, y);
  else select<uint32_t>(condition, yes, no, y);
}

void Cast(Arguments& in) {
  const Tensor x = in.any(), y = in.tensor();
  const auto pair = [](DType from, DType to) { return static_cast<int>(from) * 3 + static_cast<int>(to); };
  switch (pair(seen(x.dtype), y.dtype)) {
    case pair(DType::float32, DType::int32): return truncate(x, y);
    case pair(DType::float32, DType::boolean): return apply<float, uint8_t>(x, y, [](float v) { return v != 0; });
    case pair(DType::int32, DType::float32): return convert<float, int32_t>(x, y);
    case pair(DType::int32, DType::boolean): return apply<int32_t, uint8_t>(x, y, [](int32_t v) { return v != 0; });
    case pair(DType::boolean, DType::float32): return convert<float, uint8_t>(x, y);
    case pair(DType::boolean, DType::int32): return convert<int32_t, uint8_t>(x, y);
    default: throw BadArgument("expected two different types");
  }
}

void Fill(Arguments& in) {
  const Tensor y = in.tensor();
  const double value = in.number();
  if (y.dtype == DType::float32) return fill(y, static_cast<float>(value));
  if (y.dtype == DType::int32) return fill(y, toInt32(value));
  fill(y, static_cast<uint8_t>(toInt32(value)));
}

}  // namespace bag
