// Index tuples into the leading axes of a tensor, as TensorFlow.js numbers the slices that they choose.
#pragma once

#include <string>

#include "arguments.h"

namespace bag {

class Indices {
 public:
  /** `list` is [count, depth]: each row chooses a slice of a tensor of this shape by its first `depth` axes. */
  Indices(const Tensor& list, const std::vector<int64_t>& shape) : list_(list), shape_(shape) {
    require(list.rank == 2 && list.dim(1) <= static_cast<int64_t>(shape.size()), "expected indices [count, depth]");
    for (size_t i = 0; i < shape.size(); i++) {
      int64_t& product = i < static_cast<size_t>(depth()) ? slices_ : width_;
      require(shape[i] >= 0 && !__builtin_mul_overflow(product, shape[i], &product), "a shape is too large");
    }
  }

  int64_t count() const { return list_.dim(0); }
  int64_t depth() const { return list_.dim(1); }
  int64_t slices() const { return slices_; }
  int64_t width() const { return width_; }

  /** The number of the slice that row i chooses. As in TensorFlow.js, only that number is checked, not each index. */
  int64_t operator[](int64_t i) const {
    const int32_t* index = list_.ints() + i * depth();
    // Modulo 2⁶⁴ rather than undefined: a wrapped number is refused or is a slice.
    uint64_t slice = 0;
    for (int64_t k = 0; k < depth(); k++) {
      slice = slice * static_cast<uint64_t>(shape_[k]) + static_cast<uint64_t>(int64_t{index[k]});
    }
    return static_cast<int64_t>(slice);
  }

  /** @throws BadArgument if a row chooses none */
  void check() const {
    for (int64_t i = 0; i < count(); i++) {
      const int64_t slice = (*this)[i];
      if (slice < 0 || slice >= slices_) refuse(i);
    }
  }

 private:
  [[noreturn]] void refuse(int64_t i) const {
    std::string index, shape;
    for (int64_t k = 0; k < depth(); k++) {
      index += (k > 0 ? "," : "") + std::to_string(list_.ints()[i * depth() + k]);
    }
    for (size_t k = 0; k < shape_.size(); k++) shape += (k > 0 ? "," : "") + std::to_string(shape_[k]);
    throw BadArgument("Invalid indices: " + index + " does not index into " + shape);
  }

  Tensor list_;
  std::vector<int64_t> shape_;
  int64_t slices_ = 1, width_ = 1;
};

inline std::vector<int64_t> shapeOf(const Tensor& tensor) {
  return {tensor.shape.begin(), tensor.shape.begin() + tensor.rank};
}

}  // namespace bag
