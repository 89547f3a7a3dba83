#include "copy_box.h"

#include <algorithm>
#include <cstring>

#include "parallel.h"
#include "simd.h"
#include "transpose_block.h"

namespace bag {

namespace {

using Axis = Box::Axis;

/** A contiguous run, past the cache. */
void stream(void* to, const void* from, int64_t bytes) {
  auto* target = static_cast<char*>(to);
  const auto* source = static_cast<const char*>(from);
  const int64_t head = std::min<int64_t>(bytes, -reinterpret_cast<intptr_t>(target) & 63);
  std::memcpy(target, source, static_cast<size_t>(head));
  int64_t i = head;
  for (; i + 64 <= bytes; i += 64) {
    Vector a, b;
    std::memcpy(&a, source + i, sizeof a);
    std::memcpy(&b, source + i + 32, sizeof b);
    storeStreaming(reinterpret_cast<float*>(target + i), a);
    storeStreaming(reinterpret_cast<float*>(target + i + 32), b);
  }
  std::memcpy(target + i, source + i, static_cast<size_t>(bytes - i));
}

template <int columns, typename T>
void copyShortRows(const Axis& row, const T* from, T* to, int64_t rows) {
  for (int64_t r = 0; r < rows; r++) std::memcpy(to + r * row.to, from + r * row.from, columns * sizeof(T));
}

/** Rows that are contiguous on both sides. */
template <typename T>
void copyRows(const Axis& row, const T* from, T* to, int64_t rows, int64_t columns, bool streaming) {
  const auto bytes = columns * static_cast<int64_t>(sizeof(T));
  const auto width = static_cast<int64_t>(sizeof(T));
  // Short rows only where they are whole lines of the cache.
  const bool lines = (reinterpret_cast<intptr_t>(to) | bytes | row.to * width) % 64 == 0;
  if (streaming && (lines || bytes >= 1024)) {
    for (int64_t r = 0; r < rows; r++) stream(to + r * row.to, from + r * row.from, bytes);
  } else if (columns == 2) {
    copyShortRows<2>(row, from, to, rows);
  } else if (columns == 3) {
    copyShortRows<3>(row, from, to, rows);
  } else if (columns == 4) {
    copyShortRows<4>(row, from, to, rows);
  } else if (columns < 16) {
    for (int64_t r = 0; r < rows; r++) {
      for (int64_t c = 0; c < columns; c++) to[r * row.to + c] = from[r * row.from + c];
    }
  } else {
    for (int64_t r = 0; r < rows; r++) {
      std::memcpy(to + r * row.to, from + r * row.from, static_cast<size_t>(bytes));
    }
  }
}

template <typename T>
void copyStrided(const Axis& row, const Axis& column, const T* from, T* to, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; r++) {
    const T* __restrict source = from + r * row.from;
    T* __restrict target = to + r * row.to;
    if (column.to == 1 && column.from == 0) {
      std::fill_n(target, columns, *source);
    } else if (column.to == 1 && column.from == -1) {
      for (int64_t c = 0; c < columns; c++) target[c] = source[-c];
    } else {
      for (int64_t c = 0; c < columns; c++) target[c * column.to] = source[c * column.from];
    }
  }
}

/**
 * Cuts the planes that the axes `row` and `column` span into blocks and calls copy(from, to, rows, columns) for each, on
 * several threads if `parallel`.
 */
template <typename T, typename Copy>
void forEachBlock(const Box& box, int row, int column, int64_t blockRows, int64_t blockColumns, const T* from, T* to,
                  bool parallel, Copy copy) {
  const Axis rows = row < 0 ? Axis{} : box[row], columns = box[column];
  std::array<Axis, 2 * maxRank> outer;
  int rank = 0;
  int64_t planes = 1;
  for (int i = 0; i < box.rank(); i++) {
    if (i == row || i == column) continue;
    outer[rank++] = box[i];
    planes *= box[i].size;
  }
  const int64_t across = (columns.size + blockColumns - 1) / blockColumns;
  const int64_t blocks = (rows.size + blockRows - 1) / blockRows * across;
  const auto run = [&](int64_t begin, int64_t end) {
    std::array<int64_t, 2 * maxRank> at{};
    const T* source = from;
    T* target = to;
    for (int64_t i = rank, left = begin / blocks; i-- > 0; left /= outer[i].size) {
      at[i] = left % outer[i].size;
      source += at[i] * outer[i].from;
      target += at[i] * outer[i].to;
    }
    int64_t block = begin % blocks;
    for (int64_t unit = begin; unit < end; unit++) {
      const int64_t r = block / across * blockRows, c = block % across * blockColumns;
      copy(source + r * rows.from + c * columns.from, target + r * rows.to + c * columns.to,
           std::min(blockRows, rows.size - r), std::min(blockColumns, columns.size - c));
      if (++block < blocks) continue;
      block = 0;
      for (int i = rank; i-- > 0;) {
        source += outer[i].from;
        target += outer[i].to;
        if (++at[i] < outer[i].size) break;
        source -= at[i] * outer[i].from;
        target -= at[i] * outer[i].to;
        at[i] = 0;
      }
    }
    fence();
  };
  if (parallel) {
    parallelFor(planes * blocks, std::min(rows.size, blockRows) * std::min(columns.size, blockColumns), run);
  } else {
    run(0, planes * blocks);
  }
}

template <typename T>
void copy(const Box& box, const T* from, T* to, bool parallel, bool streaming) {
  if (box.elements() == 0) return;
  if (box.rank() == 0) {
    *to = *from;
    return;
  }
  const int column = box.rank() - 1;
  const Axis& columns = box[column];
  int row = column - 1;
  if (columns.to == 1 && columns.from != 1) {
    for (int i = 0; i < column; i++) {
      if (box[i].from != 1) continue;
      const int64_t rowStride = box[i].to, columnStride = columns.from;
      forEachBlock(box, i, column, 64, 256, from, to, parallel, [=](const T* source, T* target, int64_t m, int64_t n) {
        transposeBlock(source, columnStride, target, rowStride, m, n, streaming);
      });
      return;
    }
  }
  const Axis rows = row < 0 ? Axis{} : box[row];
  constexpr int64_t longest = 1 << 16;
  const int64_t blockRows = std::max<int64_t>(1, (1 << 14) / columns.size);
  if (columns.from == 1 && columns.to == 1) {
    forEachBlock(box, row, column, blockRows, longest, from, to, parallel,
                 [=](const T* source, T* target, int64_t m, int64_t n) {
                   copyRows(rows, source, target, m, n, streaming);
                 });
  } else {
    forEachBlock(box, row, column, blockRows, longest, from, to, parallel,
                 [=](const T* source, T* target, int64_t m, int64_t n) {
                   copyStrided(rows, columns, source, target, m, n);
                 });
  }
}

void copy(const Box& box, const void* from, void* to, DType dtype, bool parallel, bool streaming) {
  if (bytesOf(dtype) == 1) {
    copy(box, static_cast<const uint8_t*>(from), static_cast<uint8_t*>(to), parallel, streaming);
  } else if (bytesOf(dtype) == 2) {
    copy(box, static_cast<const uint16_t*>(from), static_cast<uint16_t*>(to), parallel, streaming);
  } else {
    copy(box, static_cast<const uint32_t*>(from), static_cast<uint32_t*>(to), parallel, streaming);
  }
}

}  // namespace

void copyBox(const Box& box, const void* from, void* to, DType dtype) {
  copy(box, from, to, dtype, true, box.elements() * static_cast<int64_t>(bytesOf(dtype)) >= streamingBytes);
}

void copyBoxHere(const Box& box, const void* from, void* to, DType dtype, bool streaming) {
  copy(box, from, to, dtype, false, streaming);
}

}  // namespace bag
