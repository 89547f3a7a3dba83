#include "elementwise.h"

#include <algorithm>
#include <cstring>

#include "half.h"
#include "parallel.h"
#include "simd.h"

namespace bag {

namespace {

constexpr size_t widest = 4;

/** How an operand lies over the result: the axes that it has and those along which it is repeated, in runs by turns. */
class Spread {
 public:
  Spread() = default;

  Spread(const Tensor& operand, const Tensor& result)
      : data_(static_cast<const char*>(operand.data)), width_(bytesOf(operand.dtype)) {
    const int missing = result.rank - operand.rank;
    require(missing >= 0, "an operand has more axes than the result");
    int64_t stride = 1;
    for (int axis = result.rank - 1; axis >= 0; axis--) {
      const int64_t size = result.shape[axis], own = axis < missing ? 1 : operand.shape[axis - missing];
      require(own == size || own == 1, "an operand does not broadcast to the result's shape");
      if (size != 1) push(size, own == 1 ? 0 : stride);
      stride *= own;
    }
  }

  bool whole() const { return count_ == 0 || (count_ == 1 && runs_[0].stride == 1); }

  /** What `at` needs done once. `buffer` holds two pieces; `most` is the longest stretch that will be asked for. */
  void prepare(char* buffer, int64_t most) const {
    const int64_t once = repeatedTile();
    if (once > 0) expand(0, once + most, buffer);
  }

  /** The operand's values for [start, start + count) of the result. */
  const char* at(int64_t start, int64_t count, char* buffer) const {
    if (whole()) return data_ + start * width_;
    const int64_t once = repeatedTile();
    if (once > 0) return buffer + start % once * width_;
    if (count_ == 2 && runs_[0].stride == 1) {
      const int64_t offset = start % runs_[0].size;
      if (offset + count <= runs_[0].size) return data_ + offset * width_;
    }
    expand(start, count, buffer);
    return buffer;
  }

 private:
  struct Run {
    int64_t size, stride;
  };

  void push(int64_t size, int64_t stride) {
    if (count_ > 0 && (stride == 0) == (runs_[count_ - 1].stride == 0)) runs_[count_ - 1].size *= size;
    else runs_[count_++] = {size, stride};
  }

  /** The period of a scalar or a short row that repeats throughout, 0 for others. */
  int64_t repeatedTile() const {
    if (count_ == 1 && runs_[0].stride == 0) return 1;
    return count_ == 2 && runs_[0].stride == 1 && runs_[0].size <= tileSize ? runs_[0].size : 0;
  }

  void expand(int64_t start, int64_t count, char* to) const {
    if (width_ == 1) expandAs<uint8_t>(start, count, to);
    else if (width_ == 2) expandAs<uint16_t>(start, count, to);
    else expandAs<uint32_t>(start, count, to);
  }

  template <typename T>
  void expandAs(int64_t start, int64_t count, void* buffer) const {
    const T* data = reinterpret_cast<const T*>(data_);
    T* to = static_cast<T*>(buffer);
    int64_t index[maxRank], offset = 0;
    for (int r = 0; r < count_; r++) {
      index[r] = start % runs_[r].size;
      start /= runs_[r].size;
      offset += index[r] * runs_[r].stride;
    }
    const Run inner = runs_[0];
    const auto next = [&] {
      offset -= index[0] * inner.stride;
      index[0] = 0;
      for (int r = 1; r < count_; r++) {
        offset += runs_[r].stride;
        if (++index[r] < runs_[r].size) break;
        offset -= runs_[r].stride * runs_[r].size;
        index[r] = 0;
      }
    };
    if (inner.size < 16) {
      // Shorter than what a call of memcpy pays for.
      for (int64_t i = 0; i < count; i++) {
        to[i] = data[offset];
        offset += inner.stride;
        if (++index[0] == inner.size) next();
      }
      return;
    }
    while (count > 0) {
      const int64_t length = std::min(inner.size - index[0], count);
      if (inner.stride == 0) std::fill(to, to + length, data[offset]);
      else std::copy(data + offset, data + offset + length, to);
      to += length;
      count -= length;
      next();
    }
  }

  const char* data_ = nullptr;
  int64_t width_ = 0;
  int count_ = 0;
  Run runs_[maxRank] = {};  // innermost first
};

/** Copies past the cache; `to` is 32-byte aligned. */
void copyStreaming(char* to, const char* from, int64_t bytes) {
  const int64_t whole = bytes & ~int64_t{31};
  for (int64_t i = 0; i < whole; i += 32) {
    storeStreaming(reinterpret_cast<float*>(to + i), load(reinterpret_cast<const float*>(from + i)));
  }
  std::memcpy(to + whole, from + whole, static_cast<size_t>(bytes - whole));
}

}  // namespace

void forEachPiece(std::initializer_list<const Tensor*> operands, const Tensor& result, int64_t cost, PieceBody body) {
  Spread spreads[mostOperands];
  int count = 0;
  DType stored[mostOperands];
  bool whole = true, halves = isHalf(result.dtype);
  for (const Tensor* operand : operands) {
    spreads[count] = Spread(*operand, result);
    stored[count] = operand->dtype;
    whole = whole && spreads[count].whole();
    halves = halves || isHalf(operand->dtype);
    count++;
  }
  const bool streaming = static_cast<int64_t>(result.bytes()) >= streamingBytes;
  const int64_t width = static_cast<int64_t>(bytesOf(result.dtype));
  char* const to = static_cast<char*>(result.data);
  parallelFor(result.size, cost, [&](int64_t from, int64_t end) {
    alignas(64) char buffers[mostOperands][2 * tileSize * widest];
    alignas(64) char computed[tileSize * widest];
    // What is stored in 16 bits is seen as floats, a tile at a time.
    alignas(64) float wide[mostOperands][tileSize];
    const int64_t step = whole && !streaming && !halves ? end - from : tileSize;
    for (int i = 0; i < count; i++) spreads[i].prepare(buffers[i], std::min(step, end - from));
    Piece piece{};
    for (piece.start = from; piece.start < end; piece.start += step) {
      piece.count = std::min(step, end - piece.start);
      for (int i = 0; i < count; i++) {
        piece.operands[i] = spreads[i].at(piece.start, piece.count, buffers[i]);
        if (!isHalf(stored[i])) continue;
        widen(piece.operands[i], stored[i], wide[i], piece.count);
        piece.operands[i] = wide[i];
      }
      char* const target = to + piece.start * width;
      piece.to = streaming || isHalf(result.dtype) ? computed : target;
      body(piece);
      if (isHalf(result.dtype)) narrow(reinterpret_cast<float*>(computed), target, result.dtype, piece.count);
      else if (streaming) copyStreaming(target, computed, piece.count * width);
    }
    if (streaming) fence();
  }, tileSize);
}

}  // namespace bag
