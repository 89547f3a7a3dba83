// Copies between two boxes of one shape whose elements lie at any strides: what slicing, padding, reversing, tiling,
// transposing, splitting and joining have in common.
#pragma once

#include <array>
#include <cstdint>

#include "tensor.h"

namespace bag {

class Box {
 public:
  /** Strides in elements; a stride of 0 repeats, one below 0 walks backwards. */
  struct Axis {
    int64_t size = 1, from = 0, to = 0;
  };

  /** Adds an axis within the ones before; where the two walk as one they become one. */
  void add(int64_t size, int64_t from, int64_t to) {
    elements_ *= size;
    if (size == 1) return;
    if (rank_ > 0) {
      Axis& outer = axes_[rank_ - 1];
      if (outer.from == size * from && outer.to == size * to) {
        outer = {outer.size * size, from, to};
        return;
      }
    }
    axes_[rank_++] = {size, from, to};
  }

  int rank() const { return rank_; }
  int64_t elements() const { return elements_; }
  const Axis& operator[](int i) const { return axes_[i]; }

 private:
  int rank_ = 0;
  int64_t elements_ = 1;
  std::array<Axis, 2 * maxRank> axes_;
};

/** `from` and `to` are where the boxes' first elements lie; the boxes share no memory. */
void copyBox(const Box& box, const void* from, void* to, DType dtype);

/** The same on the calling thread alone; `streaming` where the box is part of a result that is larger than the cache. */
void copyBoxHere(const Box& box, const void* from, void* to, DType dtype, bool streaming = false);

/** An element of a tensor, as an address. */
inline char* at(const Tensor& tensor, int64_t element) {
  return static_cast<char*>(tensor.data) + element * static_cast<int64_t>(bytesOf(tensor.dtype));
}

/** The strides of a tensor's axes, in elements. */
inline std::array<int64_t, maxRank> stridesOf(const Tensor& tensor) {
  std::array<int64_t, maxRank> strides{};
  int64_t stride = 1;
  for (int i = tensor.rank; i-- > 0; stride *= tensor.shape[i]) strides[i] = stride;
  return strides;
}

}  // namespace bag
