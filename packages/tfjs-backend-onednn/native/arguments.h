// A kernel's arguments: numbers that JavaScript wrote into a frame it shares with us, read in the order they were written.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "allocator.h"
#include "error.h"
#include "tensor.h"

namespace bag {

class Arguments {
 public:
  Arguments(const double* frame, size_t length) : next_(frame), end_(frame + length) {}

  double number() {
    if (next_ == end_) throw BadArgument("a kernel got fewer arguments than it takes");
    return *next_++;
  }
  float real() { return static_cast<float>(number()); }
  bool flag() { return number() != 0; }

  int64_t integer() {
    const double value = number();
    if (!(std::fabs(value) <= 9007199254740992.0) || value != std::floor(value)) {
      throw BadArgument("expected a whole number, got " + std::to_string(value));
    }
    return static_cast<int64_t>(value);
  }

  /** A whole number in [least, most]. */
  int64_t integer(int64_t least, int64_t most) {
    const int64_t value = integer();
    if (value < least || value > most) {
      throw BadArgument("expected a number from " + std::to_string(least) + " to " + std::to_string(most) + ", got " +
                        std::to_string(value));
    }
    return value;
  }

  /** A list: its length, then its numbers. */
  std::vector<int64_t> integers() {
    const int64_t count = integer(0, end_ - next_);
    std::vector<int64_t> result(static_cast<size_t>(count));
    for (auto& value : result) value = integer();
    return result;
  }

  /** A tensor whose memory holds its shape. @throws Disposed, BadArgument */
  Tensor tensor() { return tensorOf(DType::boolean); }

  /** A tensor of any type, as it is stored: floats in 32 bits or in 16. */
  Tensor any() { return tensorOf(DType::float16); }

  /** A tensor of floats as it is stored. */
  Tensor stored() {
    const Tensor t = any();
    if (t.dtype != DType::float32 && !isHalf(t.dtype)) throw BadArgument("expected a tensor of floats");
    return t;
  }

  Tensor tensor(DType dtype) {
    const Tensor t = any();
    if (t.dtype != dtype) throw BadArgument("a tensor is not of the type that the kernel takes");
    return t;
  }

  Tensor floats() { return tensor(DType::float32); }

  /** A tensor that may be absent: a flag, then the tensor if it is set. `data` is null without. */
  Tensor optionalFloats() { return optional(DType::float32); }

  Tensor optional(DType dtype) {
    if (flag()) return tensor(dtype);
    Tensor none;
    none.size = 0;
    return none;
  }

 private:
  Tensor tensorOf(DType last) {
    Tensor t;
    t.id = static_cast<uint64_t>(integer());
    t.dtype = static_cast<DType>(integer(0, static_cast<int>(last)));
    t.rank = static_cast<int>(integer(0, maxRank));
    // An axis of size 0 must not hide that the others are too large to count with.
    int64_t others = 1;
    for (int i = 0; i < t.rank; i++) {
      t.shape[i] = integer(0, int64_t{1} << 40);
      if (t.shape[i] > 0 && (__builtin_mul_overflow(others, t.shape[i], &others) || others > int64_t{1} << 50)) {
        throw BadArgument("a shape is too large");
      }
      t.size *= t.shape[i];
    }
    t.data = allocator().data(t.id);
    int64_t bytes;
    if (__builtin_mul_overflow(t.size, static_cast<int64_t>(bytesOf(t.dtype)), &bytes) ||
        static_cast<size_t>(bytes) > allocator().size(t.id)) {
      throw BadArgument("a tensor's memory is smaller than its shape");
    }
    return t;
  }

  const double* next_;
  const double* end_;
};

}  // namespace bag
