#include <algorithm>
#include <cstring>

#include "indices.h"
#include "kernels.h"
#include "parallel.h"

namespace bag {

namespace {

/**
 * Calls put(slice, i) for every i below `count`, with the slice that row i goes to. Each thread has slices of its own and
 * walks all rows, so that a slice meets its rows in their order, whatever the number of threads.
 */
template <typename SliceOf, typename Put>
void scatter(int64_t count, int64_t slices, int64_t width, SliceOf sliceOf, Put put) {
  const int64_t cost = slices == 0 ? 0 : count * std::max<int64_t>(width, 1) / slices;
  parallelFor(slices, std::max<int64_t>(cost, 1), [&](int64_t from, int64_t to) {
    for (int64_t i = 0; i < count; i++) {
      const int64_t slice = sliceOf(i);
      if (slice >= from && slice < to) put(slice, i);
    }
  });
}

template <typename T>
void add(T* __restrict to, const T* __restrict from, int64_t width) {
  for (int64_t k = 0; k < width; k++) to[k] += from[k];
}

template <typename T>
void scatterSum(const Indices& indices, const Tensor& updates, const Tensor& y) {
  const auto* from = static_cast<const T*>(updates.data);
  auto* to = static_cast<T*>(y.data);
  const int64_t width = indices.width();
  scatter(indices.count(), indices.slices(), width, [&](int64_t i) { return indices[i]; },
          [=](int64_t slice, int64_t i) { add(to + slice * width, from + i * width, width); });
}

}  // namespace

/** Zeros, to whose slices that the indices choose the updates are added. Integers wrap. */
void ScatterNd(Arguments& in) {
  const Tensor list = in.tensor(DType::int32), updates = in.tensor(), y = in.tensor(updates.dtype);
  const Indices indices(list, shapeOf(y));
  require(updates.size == indices.count() * indices.width(), "the updates do not fit the indices");
  if (y.size == 0) return;
  indices.check();
  std::memset(y.data, 0, y.bytes());
  if (y.dtype == DType::float32) scatterSum<float>(indices, updates, y);
  else if (y.dtype == DType::int32) scatterSum<uint32_t>(indices, updates, y);
  else scatterSum<uint8_t>(indices, updates, y);
}

/** x with the slices that the indices choose replaced; the last one of several counts. */
void TensorScatterUpdate(Arguments& in) {
  const Tensor x = in.tensor(), list = in.tensor(DType::int32), updates = in.tensor(x.dtype), y = in.tensor(x.dtype);
  const Indices indices(list, shapeOf(x));
  require(y.sameShape(x), "the output differs in shape from the tensor");
  require(updates.size == indices.count() * indices.width(), "the updates do not fit the indices");
  if (y.size == 0) return;
  indices.check();
  const auto bytes = static_cast<int64_t>(bytesOf(x.dtype));
  auto *from = static_cast<const char*>(x.data), *changes = static_cast<const char*>(updates.data);
  auto* to = static_cast<char*>(y.data);
  parallelFor(y.size, 1, [=](int64_t begin, int64_t end) {
    std::memcpy(to + begin * bytes, from + begin * bytes, static_cast<size_t>((end - begin) * bytes));
  });
  const int64_t width = indices.width() * bytes;
  scatter(indices.count(), indices.slices(), indices.width(), [&](int64_t i) { return indices[i]; },
          [=](int64_t slice, int64_t i) {
            std::memcpy(to + slice * width, changes + i * width, static_cast<size_t>(width));
          });
}

/** y[s, :] = Σ x[i, :] over the i with ids[i] = s; other ids count for nothing. */
void UnsortedSegmentSum(Arguments& in) {
  const Tensor x = in.floats(), ids = in.tensor(DType::int32), y = in.floats();
  require(x.rank == 2 && y.rank == 2 && x.dim(0) == ids.size && x.dim(1) == y.dim(1), "the shapes do not fit");
  if (y.size == 0) return;
  const int64_t width = y.dim(1), segments = y.dim(0);
  const int32_t* segment = ids.ints();
  const auto segmentOf = [=](int64_t i) { return int64_t{segment[i]}; };
  const float* from = x.floats();
  float* to = y.floats();
  // Where many rows meet in few segments their sums are kept in double precision.
  if (ids.size > 8 * segments) {
    std::vector<double> sums(static_cast<size_t>(y.size), 0.0);
    scatter(ids.size, segments, width, segmentOf, [&](int64_t s, int64_t i) {
      double* sum = sums.data() + s * width;
      for (int64_t k = 0; k < width; k++) sum[k] += from[i * width + k];
    });
    std::copy(sums.begin(), sums.end(), to);
    return;
  }
  std::memset(to, 0, y.bytes());
  scatter(ids.size, segments, width, segmentOf,
          [=](int64_t s, int64_t i) { add(to + s * width, from + i * width, width); });
}

}  // namespace bag
