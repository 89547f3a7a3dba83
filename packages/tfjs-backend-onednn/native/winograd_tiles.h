// What Winograd's convolutions do with a stretch of tiles: transform, multiply, transform back.
#pragma once

#include <algorithm>

#include "half.h"
#include "winograd.h"
#include "winograd_scheme.h"

namespace bag::winograd {

/** Tiles are worked on in blocks of so many, their channels in panels of so many. */
constexpr int64_t block = 12, panel = 16;

/**
 * Tiles that a thread works on at once: few, so that they stay in the cache; more where the matrices of the filter do
 * not, so that reading them again hardly counts.
 */
inline int64_t tilesAtOnce(const Shape& shape, int64_t threads) {
  const int64_t blocks = shape.channels * shape.outChannels <= 64 * 64 ? 4 : 8;
  const int64_t most = shape.side == 2 ? blocks * block : blocks / 2 * block;
  const int64_t each = (shape.tiles() + threads - 1) / threads, pieces = std::max<int64_t>(1, (each + most - 1) / most);
  return (each + pieces * block - 1) / (pieces * block) * block;
}

/** A thread's memory: transformed tiles of the input (v) and of the output (m), each [block][panel][position][12][16]. */
struct Workspace {
  float *v, *m, *zeros;

  Workspace(float* memory, const Shape& shape, int64_t tiles)
      : v(memory),
        m(v + shape.positions() * tiles * shape.channels),
        zeros(m + shape.positions() * tiles * shape.outChannels) {
    std::fill(zeros, zeros + shape.channels, 0.0f);
  }
  static int64_t floats(const Shape& shape, int64_t tiles) {
    return shape.positions() * tiles * (shape.channels + shape.outChannels) + shape.channels;
  }
};

template <typename Stored>
struct TileKernels {
  /** y of the tiles [from, to). */
  void (*convolve)(const Shape& shape, const Workspace& workspace, const Stored* x, const float* transformed,
                   const float* bias, Stored* y, int64_t from, int64_t to);
  /** Adds the tiles' part to `sums`, [position][channel][outChannel]. */
  void (*filterGradient)(const Shape& shape, const Workspace& workspace, const Stored* x, const Stored* dy, float* sums,
                         int64_t from, int64_t to);
};

/** Those for the widest vectors that oneDNN uses here; of float, Bfloat16 and Float16, the latter two by both schemes. */
template <typename S, typename Stored>
const TileKernels<Stored>& tileKernels();

}  // namespace bag::winograd
