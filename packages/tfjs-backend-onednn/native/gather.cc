#include <algorithm>
#include <cstring>

#include "indices.h"
#include "kernels.h"
#include "parallel.h"

namespace bag {

namespace {

/** Copies `count` slices of `width` elements; the i-th comes from slice source(i). */
template <typename T, typename Source>
void copySlices(const Tensor& x, const Tensor& y, int64_t count, int64_t width, Source source) {
  const auto* from = static_cast<const T*>(x.data);
  auto* to = static_cast<T*>(y.data);
  parallelFor(count, width, [=](int64_t begin, int64_t end) {
    if (width == 1) {
      for (int64_t i = begin; i < end; i++) to[i] = from[source(i)];
      return;
    }
    for (int64_t i = begin; i < end; i++) {
      std::memcpy(to + i * width, from + source(i) * width, static_cast<size_t>(width) * sizeof(T));
    }
  });
}

template <typename Source>
void copySlices(const Tensor& x, const Tensor& y, int64_t count, int64_t width, Source source) {
  if (y.size == 0) return;
  if (bytesOf(x.dtype) == 1) copySlices<uint8_t>(x, y, count, width, source);
  else if (bytesOf(x.dtype) == 2) copySlices<uint16_t>(x, y, count, width, source);
  else copySlices<uint32_t>(x, y, count, width, source);
}

}  // namespace

/** y[b, o, i, :] = x[b, o, indices[b, i], :] */
void GatherV2(Arguments& in) {
  const Tensor x = in.any(), indices = in.tensor(DType::int32), y = in.tensor(x.dtype);
  require(x.rank == 4 && y.rank == 4 && indices.rank == 2, "expected x and the output with 4 axes, indices with 2");
  const int64_t outer = x.dim(1), size = x.dim(2), width = x.dim(3), count = indices.dim(1);
  require(y.dim(0) == x.dim(0) && indices.dim(0) == x.dim(0) && y.dim(1) == outer && y.dim(2) == count &&
              y.dim(3) == width,
          "the output's shape does not fit");
  const int32_t* index = indices.ints();
  for (int64_t i = 0; i < indices.size; i++) {
    if (index[i] >= 0 && index[i] < size) continue;
    throw BadArgument("the index value " + std::to_string(index[i]) + " is not in [0, " + std::to_string(size - 1) + "]");
  }
  copySlices(x, y, x.dim(0) * outer * count, width, [=](int64_t i) {
    const int64_t plane = i / count;
    return plane * size + index[plane / outer * count + i % count];
  });
}

/** y[i, :] = the slice of x that indices[i, :] choose. */
void GatherNd(Arguments& in) {
  const Tensor x = in.any(), list = in.tensor(DType::int32), y = in.tensor(x.dtype);
  const Indices indices(list, shapeOf(x));
  require(y.rank == 2 && y.dim(0) == indices.count() && y.dim(1) == indices.width(), "the output's shape does not fit");
  indices.check();
  copySlices(x, y, indices.count(), indices.width(), [&](int64_t i) { return indices[i]; });
}

namespace {

template <typename T>
void oneHot(const Tensor& indices, T* to, int64_t depth, T on, T off) {
  const int32_t* index = indices.ints();
  parallelFor(indices.size, depth, [=](int64_t begin, int64_t end) {
    std::fill(to + begin * depth, to + end * depth, off);
    for (int64_t i = begin; i < end; i++) {
      if (index[i] >= 0 && index[i] < depth) to[i * depth + index[i]] = on;
    }
  });
}

}  // namespace

/** y[i, j] = on where indices[i] = j, else off. */
void OneHot(Arguments& in) {
  const Tensor indices = in.tensor(DType::int32), y = in.tensor();
  const double on = in.number(), off = in.number();
  require(y.rank >= 1 && (y.size == 0 || y.size / y.last() == indices.size), "expected a row for each index");
  if (y.size == 0) return;
  if (y.dtype == DType::float32) {
    oneHot(indices, y.floats(), y.last(), static_cast<float>(on), static_cast<float>(off));
    return;
  }
  for (const double value : {on, off}) require(value >= -2147483648.0 && value <= 2147483647.0, "not an integer");
  const auto onInt = static_cast<int32_t>(on), offInt = static_cast<int32_t>(off);
  if (y.dtype == DType::int32) oneHot(indices, y.ints(), y.last(), onInt, offInt);
  else oneHot(indices, y.bools(), y.last(), static_cast<uint8_t>(onInt), static_cast<uint8_t>(offInt));
}

}  // namespace bag
