// The walk that every element-wise kernel shares. The result is cut into pieces; of each operand a kernel sees plain
// arrays, one per piece: the tensor itself or, where it is broadcast, a copy that is spread out and stays in the cache.
// So an operation is one loop, whatever the shapes. What is stored in 16 bits is seen as floats, too, operands and result.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "error.h"
#include "simd.h"
#include "tensor.h"

namespace bag {

constexpr int mostOperands = 3;

/** The longest piece where anything is stored in 16 bits. */
constexpr int64_t tileSize = 1024;

struct Piece {
  int64_t start, count;
  const void* operands[mostOperands];
  void* to;

  template <typename T>
  const T* operand(int i) const {
    return static_cast<const T*>(operands[i]);
  }
  template <typename T>
  T* result() const {
    return static_cast<T*>(to);
  }
};

/** A reference to a function of a piece, so that the walk is compiled once and not for every operation. */
class PieceBody {
 public:
  template <typename Function>
  PieceBody(const Function& function)
      : function_(&function),
        call_([](const void* f, const Piece& piece) { (*static_cast<const Function*>(f))(piece); }) {}
  void operator()(const Piece& piece) const { call_(function_, piece); }

 private:
  const void* function_;
  void (*call_)(const void*, const Piece&);
};

/**
 * Calls the body for all pieces of the result, in parallel. `cost` is that of one element, in additions. @throws
 * BadArgument where an operand does not broadcast to the result's shape.
 */
void forEachPiece(std::initializer_list<const Tensor*> operands, const Tensor& result, int64_t cost, PieceBody body);

/** Cost of a function of the C library. */
constexpr int64_t costly = 16;

template <typename T, typename Result, typename Operation>
BAG_INLINE void applyTo(const Piece& piece, Operation op) {
  const T* from = piece.operand<T>(0);
  Result* __restrict to = piece.result<Result>();
#pragma omp simd
  for (int64_t i = 0; i < piece.count; i++) to[i] = static_cast<Result>(op(from[i]));
}

/** y = op(x) for each element. */
template <typename T, typename Result, typename Operation>
void apply(const Tensor& x, const Tensor& y, Operation op, int64_t cost = 1) {
  forEachPiece({&x}, y, cost, [op](const Piece& piece) { applyTo<T, Result>(piece, op); });
}

template <typename Operation>
BAG_WIDE void applyWideTo(const Piece& piece, Operation op) {
  applyTo<float, float>(piece, op);
}

/** y = op(x) for each float, where the operation takes longer than to read and write: by the widest vectors. */
template <typename Operation>
void applyWide(const Tensor& x, const Tensor& y, Operation op, int64_t cost) {
  if (!hasWideVectors()) return apply<float, float>(x, y, op, cost);
  forEachPiece({&x}, y, cost, [op](const Piece& piece) { applyWideTo(piece, op); });
}

/** y = op(a, b) for each element of a's and b's common broadcast shape. */
template <typename T, typename Result, typename Operation>
void apply(const Tensor& a, const Tensor& b, const Tensor& y, Operation op, int64_t cost = 1) {
  forEachPiece({&a, &b}, y, cost, [op](const Piece& piece) {
    const Operation own = op;
    const T *left = piece.operand<T>(0), *right = piece.operand<T>(1);
    Result* __restrict to = piece.result<Result>();
#pragma omp simd
    for (int64_t i = 0; i < piece.count; i++) to[i] = static_cast<Result>(own(left[i], right[i]));
  });
}

}  // namespace bag
