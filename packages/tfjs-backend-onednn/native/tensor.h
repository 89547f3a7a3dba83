#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace bag {

/** As src/call.ts numbers them. The last two are how a float32 tensor may be stored. */
enum class DType : int { float32 = 0, int32 = 1, boolean = 2, bfloat16 = 3, float16 = 4 };

inline bool isHalf(DType dtype) { return dtype == DType::bfloat16 || dtype == DType::float16; }
inline size_t bytesOf(DType dtype) { return dtype == DType::boolean ? 1 : isHalf(dtype) ? 2 : 4; }

/** The type that a kernel sees. */
inline DType seen(DType stored) { return isHalf(stored) ? DType::float32 : stored; }

constexpr int maxRank = 8;

/** A tensor of a kernel's call: memory that is checked to hold its shape, rows last. */
struct Tensor {
  void* data = nullptr;
  uint64_t id = 0;
  DType dtype = DType::float32;
  int rank = 0;
  std::array<int64_t, maxRank> shape{};
  int64_t size = 1;

  float* floats() const { return static_cast<float*>(data); }
  int32_t* ints() const { return static_cast<int32_t*>(data); }
  uint8_t* bools() const { return static_cast<uint8_t*>(data); }
  int64_t dim(int axis) const { return shape[axis]; }
  int64_t last() const { return rank == 0 ? 1 : shape[rank - 1]; }
  size_t bytes() const { return static_cast<size_t>(size) * bytesOf(dtype); }
  bool sameShape(const Tensor& other) const {
    if (rank != other.rank) return false;
    for (int i = 0; i < rank; i++) {
      if (shape[i] != other.shape[i]) return false;
    }
    return true;
  }
};

}  // namespace bag
