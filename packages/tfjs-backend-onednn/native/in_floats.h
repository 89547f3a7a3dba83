// Tensors of 16 bits for what computes in 32: copies that live as long as these objects.
#pragma once

#include "allocator.h"
#include "half.h"
#include "parallel.h"
#include "primitives.h"

namespace bag {

inline void widenAll(const Tensor& x, float* to) {
  const auto* from = static_cast<const uint16_t*>(x.data);
  parallelFor(x.size, 1, [=](int64_t first, int64_t end) { widen(from + first, x.dtype, to + first, end - first); },
              lanes);
}

inline void narrowAll(const float* from, const Tensor& y) {
  auto* to = static_cast<uint16_t*>(y.data);
  parallelFor(y.size, 1, [=](int64_t first, int64_t end) { narrow(from + first, to + first, y.dtype, end - first); },
              lanes);
}

/** A tensor of 16 bits as one of 32. */
class InFloats {
 public:
  explicit InFloats(const Tensor& stored) : memory_(stored.size * sizeof(float)), stored_(stored), tensor_(stored) {
    tensor_.data = memory_.data();
    tensor_.id = memory_.id();
    tensor_.dtype = DType::float32;
  }
  ~InFloats() { dropLayouts(tensor_.id); }
  InFloats(const InFloats&) = delete;
  InFloats& operator=(const InFloats&) = delete;

  /** With the values of an operand. */
  const Tensor& read() const {
    widenAll(stored_, tensor_.floats());
    return tensor_;
  }
  /** For a result, before `write`. */
  const Tensor& result() const { return tensor_; }
  void write() const { narrowAll(tensor_.floats(), stored_); }

 private:
  Scratch memory_;
  Tensor stored_, tensor_;
};

}  // namespace bag
