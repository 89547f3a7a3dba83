#include <algorithm>
#include <vector>

#include "copy_box.h"
#include "kernels.h"
#include "parallel.h"
#include "simd.h"

namespace bag {

namespace {

/** Elements of the joint matrix that are copied at a time, in whole rows: they stay in the cache from part to part. */
constexpr int64_t chunk = 4096;

/** Copies the columns of `whole`, [rows, columns], from or to `parts`, [rows, …], which lie in it side by side. */
void copyParts(const Tensor& whole, const std::vector<Tensor>& parts, bool join) {
  const int64_t columns = whole.dim(1);
  const bool streaming = static_cast<int64_t>(whole.bytes()) >= streamingBytes;
  const auto here = [=](const Box& box, const void* from, void* to, DType dtype) {
    copyBoxHere(box, from, to, dtype, streaming);
  };
  const auto copyRows = [&](int64_t row, int64_t rows) {
    int64_t column = 0;
    for (const Tensor& part : parts) {
      const int64_t width = part.dim(1);
      char *joint = at(whole, row * columns + column), *own = at(part, row * width);
      Box box;
      box.add(rows, join ? width : columns, join ? columns : width);
      box.add(width, 1, 1);
      here(box, join ? own : joint, join ? joint : own, whole.dtype);
      column += width;
    }
  };
  if (whole.dim(0) == 1) {
    // One row: each thread has columns of its own, of whichever parts they belong to.
    parallelFor(columns, 1, [&](int64_t from, int64_t to) {
      int64_t column = 0;
      for (const Tensor& part : parts) {
        const int64_t begin = std::max(from, column), end = std::min(to, column + part.size);
        if (begin < end) {
          char *joint = at(whole, begin), *own = at(part, begin - column);
          Box box;
          box.add(end - begin, 1, 1);
          here(box, join ? own : joint, join ? joint : own, whole.dtype);
        }
        column += part.size;
      }
    }, 64);
    return;
  }
  parallelFor(whole.dim(0), columns, [&](int64_t from, int64_t to) {
    const int64_t block = std::max<int64_t>(1, chunk / std::max<int64_t>(columns, 1));
    for (int64_t row = from; row < to; row += block) copyRows(row, std::min(block, to - row));
  });
}

void copyParts(Arguments& in, bool join) {
  const Tensor whole = in.any();
  require(whole.rank == 2, "expected a matrix");
  std::vector<Tensor> parts(static_cast<size_t>(in.integer(0, 1 << 14)));
  int64_t columns = 0;
  for (Tensor& part : parts) {
    part = in.tensor(whole.dtype);
    require(part.rank == 2 && part.dim(0) == whole.dim(0), "the parts differ in their rows");
    columns += part.dim(1);
  }
  require(columns == whole.dim(1), "the parts do not make up the whole");
  copyParts(whole, parts, join);
}

}  // namespace

/** Joins matrices side by side. */
void Concat(Arguments& in) { copyParts(in, true); }

/** Cuts a matrix into ones that lay side by side. */
void Split(Arguments& in) { copyParts(in, false); }

}  // namespace bag
